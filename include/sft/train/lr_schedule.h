#pragma once

#include <cstdint>

#include "sft/estimate/train_config.h"

namespace sft {

// The learning rate of each step, by transformers' rule: step k of N, counted from 0, with W
// warm-up steps, uses lr k/W for k < W, then lr (constant), lr/2 (1 + cos(pi (k-W)/(N-W)))
// (cosine), or lr (N-k)/(N-W) (linear).
class LrSchedule {
 public:
  // `num_steps` is that of the whole run, whatever max_steps says. W = ceil(warmup_ratio N).
  LrSchedule(const OptimizationConfig& config, int64_t num_steps);
  double at(int64_t step) const;

 private:
  Schedule schedule_;
  double learning_rate_;
  int64_t num_steps_;
  int64_t num_warmup_steps_;
};

}  // namespace sft
