#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace sft {

constexpr size_t kNumFeatures = 3;
using Features = std::array<double, kNumFeatures>;

// One observation; rows of weight 0 count for nothing.
struct LogisticRow {
  Features features{};
  bool is_positive = false;
  double weight = 1;
};

// The weights w (no intercept) that minimize
//
//   sum |w_j| + c * sum over rows of weight * log(1 + exp(-+ w . features)),
//
// by the improved GLMNET of Yuan, Ho and Lin (JMLR 13, 2012): Newton steps, each a coordinate
// descent on the quadratic model followed by a line search. Tolerance (1e-4), limits and the order
// in which coordinates are visited (a Mersenne Twister from `seed`) are those of scikit-learn's
// solver "liblinear", so that the two stop at the same point and not merely near the same minimum.
Features fit_l1_logistic(std::span<const LogisticRow> rows, double c, uint32_t seed);

// 1 / (1 + exp(-w . x)).
double logistic_probability(const Features& weights, const Features& features);

}  // namespace sft
