#include "sft/io/half.h"

#include <bit>
#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace sft {
namespace {

// The value by the definition of binary16.
double defined_half(uint32_t bits) {
  const double sign = (bits & 0x8000) != 0 ? -1 : 1;
  const int exponent = static_cast<int>(bits >> 10) & 0x1F;
  const double fraction = bits & 0x3FF;
  return exponent == 0 ? sign * std::ldexp(fraction, -24)
                       : sign * std::ldexp(1024 + fraction, exponent - 25);
}

TEST(Half, EveryFiniteValueIsAsDefinedAndComesBack) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    if ((bits & 0x7C00) == 0x7C00) {
      continue;
    }
    const float value = half_to_float(static_cast<uint16_t>(bits));
    ASSERT_EQ(value, defined_half(bits)) << bits;
    ASSERT_EQ(float_to_half(value), bits);  // with the sign of zero
  }
}

TEST(Half, RoundsToNearestTiesToEven) {
  for (uint32_t bits = 0; bits < 0x7BFF; ++bits) {
    const auto low = half_to_float(static_cast<uint16_t>(bits));
    const auto high = half_to_float(static_cast<uint16_t>(bits + 1));
    const float middle = low + (high - low) / 2;  // exact in float
    const uint32_t even = bits % 2 == 0 ? bits : bits + 1;
    ASSERT_EQ(float_to_half(middle), even) << bits;
    ASSERT_EQ(float_to_half(std::nextafter(middle, 0.0F)), bits);
    ASSERT_EQ(float_to_half(std::nextafter(middle, high)), bits + 1);
    ASSERT_EQ(float_to_half(-middle), even | 0x8000);
  }
}

TEST(Half, OverflowsToInfinityAndKeepsNan) {
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_EQ(float_to_half(65504), 0x7BFF);
  EXPECT_EQ(float_to_half(std::nextafter(65520.0F, 0.0F)), 0x7BFF);
  EXPECT_EQ(float_to_half(65520), 0x7C00);
  EXPECT_EQ(float_to_half(-infinity), 0xFC00);
  EXPECT_EQ(half_to_float(0x7C00), infinity);
  EXPECT_TRUE(std::isnan(half_to_float(0x7C01)));
  EXPECT_TRUE(std::isnan(half_to_float(float_to_half(std::bit_cast<float>(0xFF800001)))));
}

TEST(BFloat16, EveryValueComesBackAndNeighboursRoundToNearestEven) {
  for (uint32_t bits = 0; bits < 0x7F80; ++bits) {
    const float value = bfloat16_to_float(static_cast<uint16_t>(bits));
    ASSERT_EQ(float_to_bfloat16(value), bits);
    const auto middle = std::bit_cast<float>((bits << 16) | 0x8000);
    const uint32_t even = bits % 2 == 0 ? bits : bits + 1;
    ASSERT_EQ(float_to_bfloat16(middle), even);
    ASSERT_EQ(float_to_bfloat16(std::bit_cast<float>((bits << 16) | 0x7FFF)), bits);
    ASSERT_EQ(float_to_bfloat16(std::bit_cast<float>((bits << 16) | 0x8001)), bits + 1);
    ASSERT_EQ(float_to_bfloat16(-middle), even | 0x8000);
  }
  EXPECT_EQ(bfloat16_to_float(0x3FC0), 1.5F);
  EXPECT_TRUE(std::isnan(bfloat16_to_float(float_to_bfloat16(std::bit_cast<float>(0x7F800001)))));
}

}  // namespace
}  // namespace sft
