#include "sft/results/statistics.h"

#include <cmath>
#include <vector>

#include <gtest/gtest.h>

namespace sft {
namespace {

TEST(Statistics, ErrorOfZerosAndOnesIsBinomial) {
  std::vector<double> values(1319, 0.0);
  for (size_t i = 0; i < 57; ++i) {
    values[i] = 1;
  }
  const double p = 57.0 / 1319;
  const Estimated result = mean_of_values(values);
  EXPECT_DOUBLE_EQ(result.mean, p);
  EXPECT_NEAR(result.standard_error, std::sqrt(p * (1 - p) / 1319), 1e-15);
}

TEST(Statistics, ErrorOfAnyValuesIsThatOfTheirMean) {
  const Estimated result = mean_of_values(std::vector<double>{2, 4, 4, 4, 5, 5, 7, 9});
  EXPECT_DOUBLE_EQ(result.mean, 5);
  EXPECT_DOUBLE_EQ(result.standard_error, 2 / std::sqrt(8.0));  // deviation 2
}

TEST(Statistics, NoValuesAreZero) {
  EXPECT_EQ(mean_of_values({}).mean, 0);
  EXPECT_EQ(mean_of_groups({}).standard_error, 0);
}

TEST(Statistics, GroupsCountAlikeAndTheirErrorsAddUp) {
  const Estimated result = mean_of_groups(
      std::vector<Estimated>{{.mean = 10, .standard_error = 3}, {.mean = 20, .standard_error = 4}});
  EXPECT_DOUBLE_EQ(result.mean, 15);
  EXPECT_DOUBLE_EQ(result.standard_error, 2.5);
}

// Values printed by Python 3.11: float(f"{value:.2f}").
TEST(Statistics, RoundsAsPythonPrints) {
  struct Case {
    double value;
    double rounded;
  };
  for (const Case& c : std::vector<Case>{{0.125, 0.12},
                                         {0.375, 0.38},
                                         {2.675, 2.67},
                                         {1.005, 1.0},
                                         {23.255813953488371, 23.26},
                                         {33.333333333333336, 33.33},
                                         {66.666666666666671, 66.67},
                                         {6.25, 6.25},
                                         {3.125, 3.12},
                                         {100, 100},
                                         {1e300, 1e300}}) {
    EXPECT_EQ(round_decimals(c.value, 2), c.rounded) << c.value;
  }
}

}  // namespace
}  // namespace sft
