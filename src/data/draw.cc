#include "sft/data/draw.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "sft/io/sha256.h"

namespace sft {
namespace {

// Places sorted by their keys' hashes, equal ones by place.
std::vector<size_t> order_by_hash(std::span<const std::string> ids, const std::string& prefix) {
  std::vector<std::pair<std::string, size_t>> keyed;
  keyed.reserve(ids.size());
  for (size_t i = 0; i < ids.size(); ++i) {
    keyed.emplace_back(sha256_hex(prefix + ids[i]), i);
  }
  std::ranges::sort(keyed);
  std::vector<size_t> order;
  order.reserve(ids.size());
  for (const auto& [hash, place] : keyed) {
    order.push_back(place);
  }
  return order;
}

}  // namespace

std::string without_suffix(const std::string& id) {
  return id.substr(0, id.find('-'));
}

DrawKey draw_key(int64_t seed, const std::string& dataset, const std::string& id) {
  constexpr size_t kHalfDigits = 16;
  const std::string hash = sha256_hex(fmt::format("{}\n{}\n{}", seed, dataset, id));
  return {.high = std::stoull(hash.substr(0, kHalfDigits), nullptr, 16),
          .low = std::stoull(hash.substr(kHalfDigits, kHalfDigits), nullptr, 16)};
}

std::vector<size_t> draw_order(int64_t seed, const std::string& dataset,
                               std::span<const std::string> ids) {
  return order_by_hash(ids, fmt::format("{}\n{}\n", seed, dataset));
}

std::vector<size_t> epoch_order(int64_t seed, int64_t epoch, std::span<const std::string> ids) {
  return order_by_hash(ids, fmt::format("{}\n{}\n", seed, epoch));
}

std::vector<size_t> held_out(int64_t seed, double fraction, std::span<const std::string> ids) {
  std::vector<std::string> contents;
  contents.reserve(ids.size());
  std::ranges::transform(ids, std::back_inserter(contents), without_suffix);
  std::vector<size_t> order = order_by_hash(contents, fmt::format("{}\nvalidation\n", seed));
  auto count = static_cast<size_t>(std::ceil(fraction * static_cast<double>(ids.size())));
  count = std::clamp<size_t>(count, std::min<size_t>(1, ids.size()), ids.size());
  while (count > 0 && count < order.size() &&
         contents[order[count]] == contents[order[count - 1]]) {
    ++count;
  }
  order.resize(count);
  std::ranges::sort(order);
  return order;
}

}  // namespace sft
