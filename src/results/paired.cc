#include "sft/results/paired.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "sft/core/error.h"
#include "sft/core/rng.h"

namespace sft {
namespace {

constexpr double kPercent = 100;
constexpr double kRight = 0.5;
constexpr int64_t kNumResamples = 10'000;
constexpr uint64_t kSeed = 42;

// The value below which a fraction of the sorted values lies, between neighbours by their distance.
double quantile(const std::vector<double>& sorted, double fraction) {
  const double place = fraction * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(place);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  const double share = place - static_cast<double>(below);
  return sorted[below] + share * (sorted[above] - sorted[below]);
}

std::map<std::string, const SampleRecord*> by_id(std::span<const SampleRecord> samples) {
  std::map<std::string, const SampleRecord*> index;
  for (const SampleRecord& sample : samples) {
    if (!index.emplace(sample.id, &sample).second) {
      throw Error("question '" + sample.id + "' is there twice");
    }
  }
  return index;
}

std::string reference_text(const SampleRecord& sample) {
  std::string text = sample.reference;
  for (const std::string& reference : sample.references) {
    text += (text.empty() ? "" : " | ") + reference;
  }
  return text;
}

void count_pair(const SampleRecord& a, const SampleRecord& b, PairedComparison& comparison) {
  const bool is_right_a = a.score >= kRight;
  const bool is_right_b = b.score >= kRight;
  comparison.both_right += is_right_a && is_right_b ? 1 : 0;
  comparison.both_wrong += !is_right_a && !is_right_b ? 1 : 0;
  comparison.fixed += !is_right_a && is_right_b ? 1 : 0;
  comparison.broken += is_right_a && !is_right_b ? 1 : 0;
  if (is_right_a != is_right_b) {
    comparison.changed.push_back({.id = a.id,
                                  .extracted_a = a.extracted,
                                  .extracted_b = b.extracted,
                                  .reference = reference_text(a),
                                  .is_fixed = is_right_b});
  }
}

}  // namespace

double mcnemar_exact(int64_t fixed, int64_t broken) {
  const auto n = static_cast<double>(fixed + broken);
  const int64_t fewer = std::min(fixed, broken);
  if (2 * fewer == fixed + broken) {
    return 1;
  }
  double tail = 0;  // the probability of `fewer` or less of n
  for (int64_t k = 0; k <= fewer; ++k) {
    const auto count = static_cast<double>(k);
    tail += std::exp(std::lgamma(n + 1) - std::lgamma(count + 1) - std::lgamma(n - count + 1) -
                     n * std::log(2.0));
  }
  return std::min(1.0, 2 * tail);
}

Interval bootstrap_mean(std::span<const double> values, int64_t num_resamples, uint64_t seed) {
  SFT_CHECK(!values.empty() && num_resamples > 0);
  const Rng rng(seed, "bootstrap");
  const size_t n = values.size();
  std::vector<double> means;
  means.reserve(static_cast<size_t>(num_resamples));
  uint64_t word = 0;
  std::array<uint32_t, 4> block{};
  for (int64_t resample = 0; resample < num_resamples; ++resample) {
    double sum = 0;
    for (size_t i = 0; i < n; ++i, ++word) {
      if (word % block.size() == 0) {
        block = rng.block(word / block.size());
      }
      // The upper half of a product of 32 bits and n draws evenly but for n / 2^32.
      sum += values[(uint64_t{block[word % block.size()]} * n) >> 32];
    }
    means.push_back(sum / static_cast<double>(n));
  }
  std::sort(means.begin(), means.end());
  return {.low = quantile(means, 0.025), .high = quantile(means, 0.975)};
}

PairedComparison compare_samples(std::span<const SampleRecord> a, std::span<const SampleRecord> b) {
  const std::map<std::string, const SampleRecord*> index = by_id(b);
  by_id(a);  // for its check
  PairedComparison comparison;
  std::vector<double> differences;
  double sum_a = 0;
  double sum_b = 0;
  for (const SampleRecord& sample : a) {
    const auto found = index.find(sample.id);
    if (found == index.end()) {
      ++comparison.only_a;
      continue;
    }
    const SampleRecord& other = *found->second;
    count_pair(sample, other, comparison);
    sum_a += sample.score;
    sum_b += other.score;
    differences.push_back(kPercent * (other.score - sample.score));
  }
  comparison.n = static_cast<int64_t>(differences.size());
  comparison.only_b = static_cast<int64_t>(b.size()) - comparison.n;
  if (differences.empty()) {
    throw Error("no question is in both");
  }
  comparison.score_a = kPercent * sum_a / static_cast<double>(comparison.n);
  comparison.score_b = kPercent * sum_b / static_cast<double>(comparison.n);
  comparison.difference = bootstrap_mean(differences, kNumResamples, kSeed);
  comparison.p_value = mcnemar_exact(comparison.fixed, comparison.broken);
  return comparison;
}

}  // namespace sft
