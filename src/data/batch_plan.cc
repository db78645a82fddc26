#include "sft/data/batch_plan.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "sft/core/error.h"
#include "sft/data/draw.h"
#include "sft/estimate/estimate.h"

namespace sft {

BatchPlan::BatchPlan(Options options, std::vector<std::string> ids)
    : options_(options), ids_(std::move(ids)) {}

int64_t BatchPlan::steps_per_epoch() const {
  return sft::steps_per_epoch(static_cast<int64_t>(ids_.size()), options_.batch_size,
                              options_.last_batch);
}

std::vector<std::vector<size_t>> BatchPlan::epoch(int64_t epoch) const {
  SFT_CHECK(epoch >= 1);
  std::vector<size_t> order;
  if (options_.shuffle) {
    order = epoch_order(options_.seed, epoch, ids_);
  } else {
    order.resize(ids_.size());
    std::iota(order.begin(), order.end(), size_t{0});
  }
  const auto batch_size = static_cast<size_t>(options_.batch_size);
  std::vector<std::vector<size_t>> steps;
  for (size_t step = 0; step < static_cast<size_t>(steps_per_epoch()); ++step) {
    const size_t begin = step * batch_size;
    const size_t end = std::min(begin + batch_size, order.size());
    steps.emplace_back(order.begin() + static_cast<std::ptrdiff_t>(begin),
                       order.begin() + static_cast<std::ptrdiff_t>(end));
  }
  return steps;
}

std::vector<std::vector<const EncodedSample*>> split_micro_batches(
    std::span<const EncodedSample* const> samples, int64_t max_tokens) {
  std::vector<std::vector<const EncodedSample*>> batches;
  int64_t tokens = 0;
  for (const EncodedSample* sample : samples) {
    const auto length = static_cast<int64_t>(sample->token_ids.size());
    if (batches.empty() || tokens + length > max_tokens) {
      batches.emplace_back();
      tokens = 0;
    }
    batches.back().push_back(sample);
    tokens += length;
  }
  return batches;
}

}  // namespace sft
