#include "infer/guess.h"

#include <numeric>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sft {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

using Ids = std::vector<int32_t>;

TEST(Guess, IsWhatFollowedTheSameTokensBefore) {
  EXPECT_THAT(guess_next(Ids{1, 2, 3, 4, 5, 6, 9, 1, 2, 3, 4}, 7), ElementsAre(5, 6));
  // Of two places the later one.
  EXPECT_THAT(guess_next(Ids{1, 2, 3, 4, 5, 5, 1, 2, 3, 4, 6, 6, 1, 2, 3, 4}, 7),
              ElementsAre(6, 6));
}

TEST(Guess, IsHalfAsLongAsWhatAgreesAndNoLongerThanAsked) {
  Ids ids(12);
  std::iota(ids.begin(), ids.end(), 10);
  Ids twice = ids;
  twice.push_back(99);
  twice.insert(twice.end(), ids.begin(), ids.begin() + 9);
  EXPECT_THAT(guess_next(twice, 7), ElementsAre(19, 20, 21, 99));
  EXPECT_THAT(guess_next(twice, 2), ElementsAre(19, 20));
  EXPECT_THAT(guess_next(twice, 0), IsEmpty());
}

TEST(Guess, GoesOnWithWhatRepeats) {
  EXPECT_THAT(guess_next(Ids(20, 7), 5), ElementsAre(7, 7, 7, 7, 7));
  EXPECT_THAT(guess_next(Ids{1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1}, 4), ElementsAre(2, 1, 2, 1));
}

TEST(Guess, IsNothingWhereFewAgree) {
  EXPECT_THAT(guess_next(Ids{}, 7), IsEmpty());
  EXPECT_THAT(guess_next(Ids{5}, 7), IsEmpty());
  EXPECT_THAT(guess_next(Ids{1, 2, 3, 8, 9, 1, 2, 3}, 7), IsEmpty());
}

}  // namespace
}  // namespace sft
