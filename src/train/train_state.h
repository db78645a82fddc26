#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "train/optimizer.h"

namespace sft {

// Where a run stands, besides its tensors: enough to go on as if it had not stopped.
struct TrainProgress {
  int64_t step = 0;                // steps done
  int64_t tokens = 0;              // of these steps
  int64_t response_tokens = 0;     // of these steps
  double seconds = 0;              // spent in these steps
  int64_t micro_batch_tokens = 0;  // what the program chose, and uses again
  bool is_recomputing = false;
  int threads = 0;
};

// The state folder: state.json (TrainProgress) and state.safetensors (Optimizer::state). Replaced
// as a whole.
void save_train_state(const std::filesystem::path& folder, const TrainProgress& progress,
                      const Optimizer& optimizer);

// What state.json says; none where there is no state folder. Throws Error for a broken one.
std::optional<TrainProgress> read_train_progress(const std::filesystem::path& folder);

// Reads the tensors back. Throws Error where they are not this optimizer's.
void load_train_state(const std::filesystem::path& folder, Optimizer& optimizer);

}  // namespace sft
