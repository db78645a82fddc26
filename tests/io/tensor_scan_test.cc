#include "sft/io/tensor_scan.h"

#include <cstring>
#include <limits>

#include <gtest/gtest.h>

namespace sft {
namespace {

// 10,000 finite elements, and then one of `bits` at `place`.
template <typename Bits>
std::optional<size_t> scan(DType dtype, Bits filler, size_t place, Bits bits) {
  std::vector<Bits> values(10'000, filler);
  values[place] = bits;
  const std::span<const Bits> span(values);
  return find_non_finite({dtype, {10'000}, std::as_bytes(span)});
}

TEST(FindNonFinite, FindsTheFirstInEachType) {
  for (const size_t place : {size_t{0}, size_t{4095}, size_t{4096}, size_t{9999}}) {
    EXPECT_EQ(scan<uint32_t>(DType::kF32, 0x7F7FFFFF, place, 0x7F800000), place);
    EXPECT_EQ(scan<uint32_t>(DType::kF32, 0, place, 0xFFC00001), place);
    EXPECT_EQ(scan<uint16_t>(DType::kF16, 0x7BFF, place, 0x7C00), place);
    EXPECT_EQ(scan<uint16_t>(DType::kF16, 0xFBFF, place, 0xFE00), place);
    EXPECT_EQ(scan<uint16_t>(DType::kBF16, 0x7F7F, place, 0xFF80), place);
    EXPECT_EQ(scan<uint64_t>(DType::kF64, 0x7FEFFFFFFFFFFFFF, place, 0x7FF8000000000000), place);
  }
}

TEST(FindNonFinite, FindsNothingInFiniteOnes) {
  EXPECT_EQ(scan<uint32_t>(DType::kF32, 0x7F7FFFFF, 5, 0x00000001), std::nullopt);
  EXPECT_EQ(scan<uint16_t>(DType::kF16, 0xFBFF, 5, 0x8000), std::nullopt);
  EXPECT_EQ(scan<uint16_t>(DType::kBF16, 0x7F7F, 5, 0x0001), std::nullopt);
  EXPECT_EQ(scan<uint32_t>(DType::kI32, 0xFFFFFFFF, 5, 0xFFFFFFFF), std::nullopt);
  EXPECT_EQ(find_non_finite({}), std::nullopt);
}

}  // namespace
}  // namespace sft
