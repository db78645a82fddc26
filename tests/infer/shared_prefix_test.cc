#include "infer/shared_prefix.h"

#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sft {

// Named for gmock, which prints it.
void PrintTo(const SharedPrefix& prefix, std::ostream* out) {
  *out << "requests " << prefix.first << "-" << prefix.last << ", tokens " << prefix.begin << "-"
       << prefix.end;
}
bool operator==(const SharedPrefix& a, const SharedPrefix& b) {
  return a.first == b.first && a.last == b.last && a.begin == b.begin && a.end == b.end;
}

namespace {

using testing::ElementsAre;
using testing::IsEmpty;

using Ids = std::vector<int32_t>;

// `count` tokens that begin with `first` and are in no other run.
Ids run(int32_t first, size_t count) {
  Ids ids(count);
  for (size_t i = 0; i < count; ++i) {
    ids[i] = first * 1000 + static_cast<int32_t>(i);
  }
  return ids;
}

Ids operator+(Ids a, const Ids& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

std::vector<SharedPrefix> find(const std::vector<Ids>& requests) {
  return find_shared_prefixes(
      std::vector<std::span<const int32_t>>(requests.begin(), requests.end()));
}

TEST(SharedPrefixes, AreATreeOfWhatNeighboursBeginWith) {
  const Ids examples = run(1, 100);
  const Ids first = examples + run(2, 20);
  const Ids second = examples + run(3, 30);
  EXPECT_THAT(find({first + run(4, 3), first + run(5, 3), second + run(6, 2), second, second}),
              ElementsAre(SharedPrefix{0, 5, 0, 100}, SharedPrefix{0, 2, 100, 120},
                          SharedPrefix{2, 5, 100, 130}));
}

TEST(SharedPrefixes, BeginAnewWhereTheExamplesDo) {
  const Ids first = run(1, 50);
  const Ids second = run(2, 40);
  EXPECT_THAT(find({run(9, 60), first + run(3, 1), first + run(4, 1), second + run(5, 1),
                    second + run(6, 1), run(8, 60)}),
              ElementsAre(SharedPrefix{1, 3, 0, 50}, SharedPrefix{3, 5, 0, 40}));
}

TEST(SharedPrefixes, OfFewTokensAreNone) {
  const Ids template_start = run(1, kMinSharedTokens - 1);
  const Ids examples = template_start + run(2, 1);
  EXPECT_THAT(find({template_start + run(3, 9), template_start + run(4, 9)}), IsEmpty());
  EXPECT_THAT(find({examples + run(3, 9), examples + run(4, 9)}),
              ElementsAre(SharedPrefix{0, 2, 0, kMinSharedTokens}));
  // Nor is a level of few tokens more than its parent's.
  const Ids nearly = examples + run(5, kMinSharedTokens - 1);
  EXPECT_THAT(find({nearly + run(6, 9), nearly + run(7, 9), examples + run(8, 40)}),
              ElementsAre(SharedPrefix{0, 3, 0, kMinSharedTokens}));
}

TEST(SharedPrefixes, OfNothingAndOfOneAreNone) {
  EXPECT_THAT(find({}), IsEmpty());
  EXPECT_THAT(find({run(1, 50)}), IsEmpty());
  EXPECT_THAT(find({run(1, 50), {}, run(1, 50)}), IsEmpty());
}

TEST(SharedPrefixes, EndWithTheShortestRequest) {
  const Ids all = run(1, 50);
  const Ids shorter(all.begin(), all.begin() + 20);
  EXPECT_THAT(find({all, shorter, all, all}),
              ElementsAre(SharedPrefix{0, 4, 0, 20}, SharedPrefix{2, 4, 20, 50}));
}

}  // namespace
}  // namespace sft
