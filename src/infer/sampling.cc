#include "infer/sampling.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
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

// The first one of the largest. A vocabulary takes as long as a layer's norm this way, and as its
// attention by std::max_element: compilers make vector code of lanes side by side only.
size_t index_of_largest(std::span<const float> values) {
  constexpr size_t kLanes = 16;
  constexpr size_t kBlock = 64 * kLanes;
  size_t best = 0;  // where the block begins that holds it
  float largest = -std::numeric_limits<float>::infinity();
  for (size_t begin = 0; begin < values.size(); begin += kBlock) {
    const std::span<const float> block =
        values.subspan(begin, std::min(kBlock, values.size() - begin));
    std::array<float, kLanes> lanes;
    lanes.fill(-std::numeric_limits<float>::infinity());
    size_t i = 0;
    for (; i + kLanes <= block.size(); i += kLanes) {
      for (size_t j = 0; j < kLanes; ++j) {
        lanes[j] = block[i + j] > lanes[j] ? block[i + j] : lanes[j];
      }
    }
    for (; i < block.size(); ++i) {
      lanes[0] = std::max(lanes[0], block[i]);
    }
    if (const float maximum = *std::ranges::max_element(lanes); maximum > largest) {
      largest = maximum;
      best = begin;
    }
  }
  // Without a number above -infinity, the first.
  const auto from = values.subspan(best);
  const auto found = std::ranges::find(from, largest);
  return found == from.end() ? 0 : best + static_cast<size_t>(found - from.begin());
}

}  // namespace

int32_t choose_token(std::span<const float> logits, const Sampling& sampling, uint64_t seed_index,
                     int64_t position) {
  if (sampling.temperature <= 0) {
    return static_cast<int32_t>(index_of_largest(logits));
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
