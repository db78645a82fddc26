#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "sft/estimate/train_config.h"
#include "sft/io/json.h"
#include "sft/io/safetensors.h"
#include "sft/model/parameters.h"

namespace sft {

// What every checkpoint of a run holds besides its weights.
struct CheckpointOrigin {
  std::filesystem::path base_folder;  // whose config and tokenizer files are carried over
  Json base_config;                   // its config.json
  Json origin;                        // sft.json, less step, epoch and the weights' hash
};

// Writes a run's checkpoints, `epoch-N/` and `step-N/`, as whole folders in Hugging Face layout,
// and removes those that `keep` no longer wants.
class Checkpointer {
 public:
  Checkpointer(std::filesystem::path run_folder, const CheckpointConfig& config, DType dtype,
               CheckpointOrigin origin);

  // Called after each step; writes where the config asks for it. A checkpoint that is there already
  // (of a run that was killed after it) is left: it holds the same bytes.
  struct Moment {
    int64_t step = 0;   // steps done
    int64_t epoch = 0;  // the epoch that the step belongs to
    bool is_epoch_end = false;
    bool is_run_end = false;
    std::optional<double> validation_loss;
  };
  void after_step(const Moment& moment, const std::function<std::vector<Parameter>()>& weights);

 private:
  bool is_wanted(const Moment& moment) const;
  void write(const std::filesystem::path& folder, const Moment& moment,
             const std::vector<Parameter>& weights);
  void remove_unwanted(const std::string& prefix) const;

  std::filesystem::path run_folder_;
  CheckpointConfig config_;
  DType dtype_;
  CheckpointOrigin origin_;
};

// Writes one model folder: weights, config.json with their dtype, the base's tokenizer and
// generation files, and sft.json, which gets "weights_sha256". Throws Error where `folder` exists.
void write_model_folder(const std::filesystem::path& folder, const std::vector<Parameter>& weights,
                        DType dtype, const CheckpointOrigin& origin, Json sft_json);

}  // namespace sft
