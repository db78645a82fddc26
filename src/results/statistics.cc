#include "sft/results/statistics.h"

#include <array>
#include <charconv>
#include <cmath>
#include <numeric>

#include "sft/core/error.h"

namespace sft {

Estimated mean_of_values(std::span<const double> values) {
  if (values.empty()) {
    return {};
  }
  const auto count = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / count;
  double squares = 0;
  for (const double value : values) {
    squares += (value - mean) * (value - mean);
  }
  return {.mean = mean, .standard_error = std::sqrt(squares / count / count)};
}

Estimated mean_of_groups(std::span<const Estimated> groups) {
  if (groups.empty()) {
    return {};
  }
  double sum = 0;
  double squares = 0;
  for (const Estimated& group : groups) {
    sum += group.mean;
    squares += group.standard_error * group.standard_error;
  }
  const auto count = static_cast<double>(groups.size());
  return {.mean = sum / count, .standard_error = std::sqrt(squares) / count};
}

double round_decimals(double value, int decimals) {
  std::array<char, 400> text{};  // the longest double has 309 digits before the point
  const auto written = std::to_chars(text.data(), text.data() + text.size(), value,
                                     std::chars_format::fixed, decimals);
  SFT_CHECK(written.ec == std::errc());
  double rounded = 0;
  std::from_chars(text.data(), written.ptr, rounded);
  return rounded;
}

}  // namespace sft
