#include "sft/train/lr_schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace sft {

LrSchedule::LrSchedule(const OptimizationConfig& config, int64_t num_steps)
    : schedule_(config.schedule),
      learning_rate_(config.learning_rate),
      num_steps_(num_steps),
      num_warmup_steps_(
          static_cast<int64_t>(std::ceil(config.warmup_ratio * static_cast<double>(num_steps)))) {}

double LrSchedule::at(int64_t step) const {
  if (step < num_warmup_steps_) {
    return learning_rate_ * static_cast<double>(step) /
           static_cast<double>(std::max<int64_t>(1, num_warmup_steps_));
  }
  const auto length = static_cast<double>(std::max<int64_t>(1, num_steps_ - num_warmup_steps_));
  const double progress = static_cast<double>(step - num_warmup_steps_) / length;
  switch (schedule_) {
    case Schedule::kConstant:
      return learning_rate_;
    case Schedule::kCosine:
      return learning_rate_ * std::max(0.0, 0.5 * (1 + std::cos(std::numbers::pi * progress)));
    case Schedule::kLinear:
      return learning_rate_ * std::max(0.0, 1 - progress);
  }
  return learning_rate_;
}

}  // namespace sft
