#include "sft/data/batch_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sft/data/draw.h"

namespace sft {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const std::vector<std::string> kIds = {"a", "b", "c", "d", "e", "f", "g"};

std::vector<size_t> flat(const std::vector<std::vector<size_t>>& steps) {
  std::vector<size_t> all;
  for (const std::vector<size_t>& step : steps) {
    all.insert(all.end(), step.begin(), step.end());
  }
  return all;
}

TEST(BatchPlan, CutsTheEpochsOrderIntoSteps) {
  const BatchPlan plan({.seed = 3, .batch_size = 3}, kIds);
  EXPECT_EQ(plan.steps_per_epoch(), 3);
  const auto steps = plan.epoch(2);
  ASSERT_EQ(steps.size(), 3U);
  EXPECT_EQ(steps[0].size(), 3U);
  EXPECT_EQ(steps[2].size(), 1U);
  EXPECT_EQ(flat(steps), epoch_order(3, 2, kIds));
}

TEST(BatchPlan, DropsTheSmallerLastBatch) {
  const BatchPlan plan({.seed = 3, .batch_size = 3, .last_batch = LastBatch::kDrop}, kIds);
  EXPECT_EQ(plan.steps_per_epoch(), 2);
  EXPECT_EQ(plan.epoch(1).size(), 2U);
  EXPECT_EQ(flat(plan.epoch(1)).size(), 6U);
}

TEST(BatchPlan, WithoutShuffleKeepsTheOrder) {
  const BatchPlan plan({.seed = 3, .batch_size = 4, .shuffle = false}, kIds);
  EXPECT_THAT(flat(plan.epoch(1)), ElementsAre(0, 1, 2, 3, 4, 5, 6));
  EXPECT_EQ(plan.epoch(5), plan.epoch(1));
}

std::vector<EncodedSample> samples_of_lengths(const std::vector<size_t>& lengths) {
  std::vector<EncodedSample> samples;
  for (const size_t length : lengths) {
    samples.push_back({.id = {}, .token_ids = std::vector<int32_t>(length), .targets = {}});
  }
  return samples;
}

std::vector<std::vector<size_t>> split_lengths(const std::vector<size_t>& lengths,
                                               int64_t max_tokens) {
  const std::vector<EncodedSample> samples = samples_of_lengths(lengths);
  std::vector<const EncodedSample*> pointers;
  for (const EncodedSample& sample : samples) {
    pointers.push_back(&sample);
  }
  std::vector<std::vector<size_t>> split;
  for (const auto& batch : split_micro_batches(pointers, max_tokens)) {
    split.emplace_back();
    for (const EncodedSample* sample : batch) {
      split.back().push_back(sample->token_ids.size());
    }
  }
  return split;
}

TEST(SplitMicroBatches, FillsEachInOrder) {
  EXPECT_THAT(split_lengths({3, 4, 3, 5, 5, 1}, 10),
              ElementsAre(ElementsAre(3, 4, 3), ElementsAre(5, 5), ElementsAre(1)));
}

TEST(SplitMicroBatches, NeverCutsALongSample) {
  EXPECT_THAT(split_lengths({2, 50, 3, 4}, 10),
              ElementsAre(ElementsAre(2), ElementsAre(50), ElementsAre(3, 4)));
}

TEST(SplitMicroBatches, OfNothingIsNothing) {
  EXPECT_THAT(split_lengths({}, 10), IsEmpty());
}

}  // namespace
}  // namespace sft
