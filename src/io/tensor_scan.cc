#include "sft/io/tensor_scan.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace sft {
namespace {

constexpr size_t kBlock = 4096;  // elements

// IEEE numbers whose exponent bits are all set are infinite or NaN. Looks at blocks first, in a
// loop without branches.
template <typename Bits, Bits kExponent>
std::optional<size_t> find_full_exponent(std::span<const std::byte> bytes) {
  const size_t count = bytes.size() / sizeof(Bits);
  const auto is_non_finite = [&](size_t i) {
    Bits bits;  // tensors may lie at any address
    std::memcpy(&bits, bytes.data() + i * sizeof(Bits), sizeof(Bits));
    return (bits & kExponent) == kExponent;
  };
  for (size_t start = 0; start < count; start += kBlock) {
    const size_t end = std::min(start + kBlock, count);
    Bits found = 0;
    for (size_t i = start; i < end; ++i) {
      found |= static_cast<Bits>(is_non_finite(i));
    }
    for (size_t i = start; found != 0 && i < end; ++i) {
      if (is_non_finite(i)) {
        return i;
      }
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<size_t> find_non_finite(const TensorView& tensor) {
  switch (tensor.dtype) {
    case DType::kF32:
      return find_full_exponent<uint32_t, 0x7F800000>(tensor.bytes);
    case DType::kF16:
      return find_full_exponent<uint16_t, 0x7C00>(tensor.bytes);
    case DType::kBF16:
      return find_full_exponent<uint16_t, 0x7F80>(tensor.bytes);
    case DType::kF64:
      return find_full_exponent<uint64_t, 0x7FF0000000000000>(tensor.bytes);
    default:
      return std::nullopt;
  }
}

}  // namespace sft
