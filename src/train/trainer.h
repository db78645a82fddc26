#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "train/optimizer.h"

#include "sft/data/encoded_sample.h"
#include "sft/estimate/train_config.h"
#include "sft/model/causal_lm.h"

namespace sft {

// One step's outcome, before the optimizer has moved.
struct StepResult {
  double loss = 0;       // nats a target token
  double grad_norm = 0;  // before clipping
  int64_t tokens = 0;
  int64_t num_targets = 0;
};

// How a step is divided: what the program chose for this machine and keeps for the run.
struct MicroBatching {
  int64_t max_tokens = 0;  // packed tokens of one forward and backward pass
  Recompute recompute = Recompute::kNothing;
};

// Optimizes a model a step at a time. Knows neither files nor epochs. Borrows model and optimizer.
class Trainer {
 public:
  Trainer(const CausalLm& model, Optimizer& optimizer, MicroBatching micro_batching);

  // Forward and backward passes over `samples` (in micro-batches), clipping and one AdamW step.
  // `step` counts from 1. None where `is_stopped` said so between two micro-batches: then nothing
  // has changed. Throws Error where the loss or the gradient is NaN or infinite, before anything is
  // changed.
  std::optional<StepResult> step(std::span<const EncodedSample* const> samples,
                                 double learning_rate, int64_t step,
                                 const std::function<bool()>& is_stopped);

  // The mean loss (nats a target token) over all targets of `samples`, without gradients.
  double evaluate(std::span<const EncodedSample* const> samples) const;

 private:
  const CausalLm& model_;
  Optimizer& optimizer_;
  MicroBatching micro_batching_;
};

}  // namespace sft
