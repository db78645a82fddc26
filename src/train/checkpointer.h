#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "train/trained_model.h"

#include "sft/estimate/train_config.h"
#include "sft/io/json.h"
#include "sft/model/parameters.h"

namespace sft {

// Writes a run's checkpoints, `epoch-N/` and `step-N/`, as whole folders, and removes those that
// `keep` no longer wants.
class Checkpointer {
 public:
  // `origin` is what sft.json says in each of them.
  Checkpointer(std::filesystem::path run_folder, const CheckpointConfig& config, Json origin,
               WriteCheckpoint write);

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
  Json sft_json(const Moment& moment) const;
  void remove_unwanted(const std::string& prefix) const;

  std::filesystem::path run_folder_;
  CheckpointConfig config_;
  Json origin_;
  WriteCheckpoint write_;
};

}  // namespace sft
