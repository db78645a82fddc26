#pragma once

#include "sft/core/clock.h"
#include "sft/estimate/estimate.h"
#include "sft/estimate/train_config.h"
#include "sft/train/run_folder.h"

namespace sft {

struct TrainRunOptions {
  ResumePolicy resume = ResumePolicy::kAuto;
  bool is_quiet = false;  // no progress on stderr
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

// What the run will need, without training: reads the config, the data and the model's shape. Of a
// model that is not there and that configs/models knows, by its file's name or hub id, that file's.
Estimate plan_training(const TrainConfig& config);

}  // namespace sft
