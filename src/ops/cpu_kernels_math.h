#pragma once

// What the loops of cpu_kernels_impl.h are made of; see there.

#include "ops/cpu_kernels.h"

namespace sft {
namespace {

#define SFT_INLINE __attribute__((always_inline)) inline

SFT_INLINE float load(const float& value) {
  return value;
}
SFT_INLINE float load(const Bf16& value) {
  return __builtin_bit_cast(float, static_cast<uint32_t>(value.bits) << 16);
}

SFT_INLINE void store(float& place, float value) {
  place = value;
}
// Rounds to nearest, ties to even; a NaN stays one.
SFT_INLINE void store(Bf16& place, float value) {
  const auto bits = __builtin_bit_cast(uint32_t, value);
  const uint32_t rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16;
  place.bits = static_cast<uint16_t>(value != value ? 0x7FC0 : rounded);
}

// e^x to 2 ulp for finite x: x = n ln 2 + r with |r| <= ln 2 / 2, e^r by Taylor's polynomial of
// degree 7 (remainder below 2^-26), scaled by 2^n. Past +-87 it stays at the ends, so that the
// exponent's bits never overflow.
SFT_INLINE float exp_float(float x) {
  x = x < -87.0F ? -87.0F : (x > 87.0F ? 87.0F : x);
  constexpr float kLog2E = 1.44269504088896F;
  constexpr float kLn2High = 0.693359375F;
  constexpr float kLn2Low = -2.12194440e-4F;
  constexpr float kRound = 12582912.0F;  // 1.5 * 2^23: adding it rounds to an integer
  const float n = (x * kLog2E + kRound) - kRound;
  const float r = (x - n * kLn2High) - n * kLn2Low;
  float p = 1.0F / 5040;
  p = p * r + 1.0F / 720;
  p = p * r + 1.0F / 120;
  p = p * r + 1.0F / 24;
  p = p * r + 1.0F / 6;
  p = p * r + 0.5F;
  p = p * r + 1.0F;
  p = p * r + 1.0F;
  return p * __builtin_bit_cast(float, (static_cast<int32_t>(n) + 127) << 23);
}

// tanh x to 3 ulp: Taylor's polynomial to x^11 near 0, where 1 - 2 / (e^2x + 1) cancels.
SFT_INLINE float tanh_float(float x) {
  const float s = x * x;
  float p = -1382.0F / 155925;
  p = p * s + 62.0F / 2835;
  p = p * s - 17.0F / 315;
  p = p * s + 2.0F / 15;
  p = p * s - 1.0F / 3;
  const float near = x + x * s * p;
  const float far = 1.0F - 2.0F / (exp_float(2.0F * x) + 1.0F);
  return s < 0.09F ? near : far;
}

// Sums of many terms are kept in lanes side by side: a single one would make each addition wait for
// the last.
constexpr int64_t kLanes = 32;

SFT_INLINE float lane_sum(const float* lanes) {
  float sum = 0;
  for (int64_t j = 0; j < kLanes; ++j) {
    sum += lanes[j];
  }
  return sum;
}

}  // namespace
}  // namespace sft
