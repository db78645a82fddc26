#include "sft/io/half.h"

#include <bit>

namespace sft {
namespace {

// `bits` without its lowest `count` ones, rounded to nearest, ties to even. A carry out of the
// fraction raises the exponent, as it should.
uint32_t rounded_shift(uint32_t bits, int count) {
  const uint32_t half = uint32_t{1} << (count - 1);
  const uint32_t is_odd = (bits >> count) & 1;
  return (bits + half - 1 + is_odd) >> count;
}

}  // namespace

float half_to_float(uint16_t bits) {
  const uint32_t sign = static_cast<uint32_t>(bits & 0x8000) << 16;
  const uint32_t exponent = (bits >> 10) & 0x1F;
  const uint32_t fraction = bits & 0x3FF;
  if (exponent == 0x1F) {  // infinity, NaN
    return std::bit_cast<float>(sign | 0x7F800000 | (fraction << 13));
  }
  if (exponent == 0) {  // subnormal: fraction * 2^-24
    const float magnitude = static_cast<float>(fraction) * 0x1p-24F;
    return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(magnitude));
  }
  return std::bit_cast<float>(sign | ((exponent + 112) << 23) | (fraction << 13));
}

float bfloat16_to_float(uint16_t bits) {
  return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}

uint16_t float_to_half(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  const uint32_t sign = (bits >> 16) & 0x8000;
  const uint32_t magnitude = bits & 0x7FFFFFFF;
  if (magnitude > 0x7F800000) {
    return static_cast<uint16_t>(sign | 0x7E00);  // NaN
  }
  if (magnitude >= 0x477FF000) {  // 65520, half-way from the largest finite value to the next
    return static_cast<uint16_t>(sign | 0x7C00);
  }
  if (magnitude >= 0x38800000) {  // 2^-14, the smallest normal value
    return static_cast<uint16_t>(sign | rounded_shift(magnitude - (uint32_t{112} << 23), 13));
  }
  // Subnormal, a multiple of 2^-24: adding 1/2 leaves that multiple, rounded, in the last bits.
  const float shifted = std::bit_cast<float>(magnitude) + 0.5F;
  return static_cast<uint16_t>(sign | (std::bit_cast<uint32_t>(shifted) - 0x3F000000));
}

uint16_t float_to_bfloat16(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7FFFFFFF) > 0x7F800000) {
    return static_cast<uint16_t>((bits >> 16) | 0x0040);  // NaN, quiet
  }
  return static_cast<uint16_t>(rounded_shift(bits, 16));
}

}  // namespace sft
