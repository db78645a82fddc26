#pragma once

// Scalar functions that GCC turns into vector code, and the attribute that has it make a copy of a
// loop for each instruction set: the binary runs on any x86-64 machine, and the loader picks the
// copy. The layer is compiled with -O3 -fno-math-errno -fno-trapping-math for this.

#include <bit>
#include <cstdint>

#include <c10/util/BFloat16.h>

#if defined(__x86_64__) && !defined(__clang__)
#define SFT_VECTORIZED \
  __attribute__((target_clones("default", "arch=haswell", "arch=skylake-avx512")))
#else
#define SFT_VECTORIZED
#endif
// Each copy needs the body itself: a call would leave it to one instruction set.
#define SFT_INLINE __attribute__((always_inline)) inline

namespace sft {

SFT_INLINE float load(const float& value) {
  return value;
}
SFT_INLINE float load(const c10::BFloat16& value) {
  return std::bit_cast<float>(static_cast<uint32_t>(value.x) << 16);
}

SFT_INLINE void store(float& place, float value) {
  place = value;
}
// Rounds to nearest, ties to even; a NaN stays one.
SFT_INLINE void store(c10::BFloat16& place, float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  const uint32_t rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) >> 16;
  place.x = static_cast<uint16_t>(value != value ? 0x7FC0 : rounded);
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
  const auto exponent = static_cast<int32_t>(n) + 127;
  return p * std::bit_cast<float>(exponent << 23);
}

}  // namespace sft
