#include "infer/sampling.h"

#include <algorithm>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "sft/core/rng.h"

namespace sft {
namespace {

int32_t greedy(const std::vector<float>& logits) {
  return choose_token(logits, Sampling{}, /*seed_index=*/0, /*position=*/0);
}

TEST(GreedyChoice, IsTheLargestOfVocabulariesOfAnySize) {
  const Rng rng(5, "logits");
  for (const size_t size : {1U, 2U, 15U, 16U, 17U, 1023U, 1024U, 1025U, 5000U, 49152U}) {
    std::vector<float> logits(size);
    for (size_t i = 0; i < size; ++i) {
      logits[i] = rng.normal(i) - 20;
    }
    EXPECT_EQ(greedy(logits), std::max_element(logits.begin(), logits.end()) - logits.begin())
        << size;
  }
}

TEST(GreedyChoice, IsTheLowestIdAmongEquals) {
  for (const auto& [first, second] : std::vector<std::pair<size_t, size_t>>{
           {0, 1}, {3, 2999}, {1023, 1024}, {1500, 1501}, {2998, 2999}}) {
    std::vector<float> logits(3000, -7);
    logits[first] = 2;
    logits[second] = 2;
    EXPECT_EQ(greedy(logits), static_cast<int32_t>(first));
  }
}

TEST(GreedyChoice, PassesOverWhatIsNoNumber) {
  constexpr float kNone = std::numeric_limits<float>::quiet_NaN();
  constexpr float kLeast = -std::numeric_limits<float>::infinity();
  EXPECT_EQ(greedy({kNone, kLeast, -3, kNone}), 2);
  EXPECT_EQ(greedy({kLeast, kLeast}), 0);
  EXPECT_EQ(greedy({kNone, kNone}), 0);
}

}  // namespace
}  // namespace sft
