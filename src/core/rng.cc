#include "sft/core/rng.h"

#include <cmath>
#include <numbers>

namespace sft {
namespace {

// FNV-1a, 64 bits: streams are few and named by us, so no stronger hash is needed.
uint64_t hash_name(std::string_view name) {
  uint64_t hash = 0xcbf29ce484222325ULL;
  for (const char c : name) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  }
  return hash;
}

std::array<uint32_t, 2> halves(uint64_t value) {
  return {static_cast<uint32_t>(value), static_cast<uint32_t>(value >> 32)};
}

float unit_float(uint32_t word) {
  return static_cast<float>(word >> 8) * 0x1p-24F;
}

}  // namespace

Rng::Rng(uint64_t seed, std::string_view stream)
    : key_(halves(seed)), stream_(halves(hash_name(stream))) {}

std::array<uint32_t, 4> Rng::block(uint64_t index) const {
  constexpr int kRounds = 10;
  const auto [low, high] = halves(index);
  std::array<uint32_t, 4> counter = {low, high, stream_[0], stream_[1]};
  std::array<uint32_t, 2> key = key_;
  for (int round = 0; round < kRounds; ++round) {
    const auto [low0, high0] = halves(uint64_t{0xD2511F53} * counter[0]);
    const auto [low1, high1] = halves(uint64_t{0xCD9E8D57} * counter[2]);
    counter = {high1 ^ counter[1] ^ key[0], low1, high0 ^ counter[3] ^ key[1], low0};
    key[0] += 0x9E3779B9;
    key[1] += 0xBB67AE85;
  }
  return counter;
}

float Rng::uniform(uint64_t index) const {
  return unit_float(block(index)[0]);
}

float Rng::normal(uint64_t index) const {
  const std::array<uint32_t, 4> words = block(index);
  // 1 - u is in (0, 1], so the logarithm is finite.
  const float radius = std::sqrt(-2.0F * std::log(1.0F - unit_float(words[0])));
  return radius * std::cos(2.0F * std::numbers::pi_v<float> * unit_float(words[1]));
}

}  // namespace sft
