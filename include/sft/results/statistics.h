#pragma once

#include <span>

namespace sft {

// A mean and its standard error.
struct Estimated {
  double mean = 0;
  double standard_error = 0;
};

// Of independent values: error = sqrt(variance / n) with the variance over n, which for values of 0
// and 1 is the binomial sqrt(p (1 - p) / n). No values: 0 and 0.
Estimated mean_of_values(std::span<const double> values);

// Of independent groups, each counting alike whatever its size: the error follows from the groups'
// own errors, sqrt(sum of squares) / number of groups.
Estimated mean_of_groups(std::span<const Estimated> groups);

// As Python prints f"{value:.2f}" for two decimals: rounded by the exact binary value, ties to
// even.
double round_decimals(double value, int decimals);

}  // namespace sft
