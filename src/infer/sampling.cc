#include "infer/sampling.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <vector>

#include "sft/core/rng.h"

namespace sft {
namespace {

struct Candidate {
  int32_t id;
  double weight;  // probability up to a common factor
};

bool is_likelier(const Candidate& a, const Candidate& b) {
  return a.weight != b.weight ? a.weight > b.weight : a.id < b.id;
}

// The candidates that top_k and top_p leave, likeliest first where either cuts.
std::vector<Candidate> candidates(std::span<const float> logits, const Sampling& sampling) {
  const double maximum = *std::max_element(logits.begin(), logits.end());
  std::vector<Candidate> all(logits.size());
  for (size_t i = 0; i < logits.size(); ++i) {
    all[i] = {static_cast<int32_t>(i), std::exp((logits[i] - maximum) / sampling.temperature)};
  }
  const auto num_kept = static_cast<size_t>(sampling.top_k);
  if (num_kept > 0 && num_kept < all.size()) {
    std::nth_element(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(num_kept), all.end(),
                     is_likelier);
    all.resize(num_kept);
  }
  if (sampling.top_p >= 1) {
    return all;
  }
  std::sort(all.begin(), all.end(), is_likelier);
  const double total = std::accumulate(
      all.begin(), all.end(), 0.0, [](double sum, const Candidate& c) { return sum + c.weight; });
  double sum = 0;
  size_t count = 0;
  while (count < all.size() && (count == 0 || sum < sampling.top_p * total)) {
    sum += all[count++].weight;
  }
  all.resize(count);
  return all;
}

}  // namespace

int32_t choose_token(std::span<const float> logits, const Sampling& sampling, uint64_t seed_index,
                     int64_t position) {
  if (sampling.temperature <= 0) {
    return static_cast<int32_t>(
        std::distance(logits.begin(), std::max_element(logits.begin(), logits.end())));
  }
  const std::vector<Candidate> kept = candidates(logits, sampling);
  const double total = std::accumulate(
      kept.begin(), kept.end(), 0.0, [](double sum, const Candidate& c) { return sum + c.weight; });
  const Rng rng(sampling.seed, "sample " + std::to_string(seed_index));
  double left = static_cast<double>(rng.uniform(static_cast<uint64_t>(position))) * total;
  for (const Candidate& candidate : kept) {
    left -= candidate.weight;
    if (left < 0) {
      return candidate.id;
    }
  }
  return kept.back().id;
}

}  // namespace sft
