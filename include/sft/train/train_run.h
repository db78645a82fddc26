#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "sft/core/clock.h"
#include "sft/data/dataset_spec.h"
#include "sft/estimate/estimate.h"
#include "sft/estimate/train_config.h"
#include "sft/train/run_folder.h"

namespace sft {

struct TrainRunOptions {
  ResumePolicy resume = ResumePolicy::kAuto;
  bool is_quiet = false;  // no progress on stderr
  // Where data.fits_tokenizers and the hub's datasets are.
  std::function<std::filesystem::path(const std::string& name)> find_tokenizer =
      [](const std::string& name) { return name; };
  FetchDataset fetch = no_hub;
};

enum class TrainOutcome {
  kDone,
  kWasDone,  // it had been finished before; nothing was written
  kStopped,  // by a signal, after saving; the same call continues
};

// Carries out the run that `config` describes, from its newest saved state where there is one, and
// writes the run folder (see README.md, "Files and exit codes"). Throws Error and UsageError;
// whatever it throws, the newest state stays good.
TrainOutcome run_training(const TrainConfig& config, const TrainRunOptions& options,
                          const Clock& clock);

// What the run will need, without training: reads the config, the data and the model's shape.
Estimate plan_training(const TrainConfig& config, const TrainRunOptions& options);

// The same for a model that is not there, from its shape; tokens are guessed, one for 4 bytes.
Estimate plan_from_shape(const TrainConfig& config, const ModelShape& shape,
                         const TrainRunOptions& options);

}  // namespace sft
