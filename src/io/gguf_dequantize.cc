// The blocks of 32 elements, d and m being binary16, the quants q unsigned but for Q8_0:
//     Q4_0: d, q: 4 bits [32]                     value = d * (q - 8)
//     Q4_1: d, m, q: 4 bits [32]                  value = d * q + m
//     Q5_0: d, fifth bits: u32, q: 4 bits [32]    value = d * (q - 16)
//     Q5_1: d, m, fifth bits: u32, q: 4 bits [32] value = d * q + m
//     Q8_0: d, q: i8 [32]                         value = d * q
// Of 16 bytes of 4-bit quants, the low halves are elements 0 to 15, the high halves 16 to 31; bit i
// of the fifth bits belongs to element i. Products and sums are rounded to float32 one by one.

#include "sft/io/gguf_dequantize.h"

#include <array>
#include <cstdint>
#include <cstring>

#include "io/gguf_blocks.h"

#include "sft/core/error.h"
#include "sft/io/half.h"

namespace sft {
namespace {

constexpr size_t kBlock = 32;

template <typename T>
T load(const std::byte* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof(T));
  return value;
}

float load_half(const std::byte* bytes) {
  return half_to_float(load<uint16_t>(bytes));
}

// 32 quants of 4 bits, each with its bit of `fifth_bits` above.
std::array<int32_t, kBlock> unpack(const std::byte* nibbles, uint32_t fifth_bits) {
  std::array<int32_t, kBlock> quants{};
  for (size_t i = 0; i < kBlock / 2; ++i) {
    const auto pair = std::to_integer<uint32_t>(nibbles[i]);
    quants[i] = static_cast<int32_t>((pair & 0xF) | ((fifth_bits >> i) & 1) << 4);
    quants[i + 16] = static_cast<int32_t>((pair >> 4) | ((fifth_bits >> (i + 16)) & 1) << 4);
  }
  return quants;
}

// value = scale * (q - zero) + offset, where has_offset.
template <bool kHasFifthBit, bool kHasOffset>
void decode_packed(const std::byte* block, float* values) {
  const float scale = load_half(block);
  block += 2;
  float offset = 0;
  if constexpr (kHasOffset) {
    offset = load_half(block);
    block += 2;
  }
  uint32_t fifth_bits = 0;
  if constexpr (kHasFifthBit) {
    fifth_bits = load<uint32_t>(block);
    block += 4;
  }
  const int32_t zero = kHasOffset ? 0 : kHasFifthBit ? 16 : 8;
  const std::array<int32_t, kBlock> quants = unpack(block, fifth_bits);
  for (size_t i = 0; i < kBlock; ++i) {
    const float product = scale * static_cast<float>(quants[i] - zero);
    values[i] = kHasOffset ? product + offset : product;
  }
}

void decode_q80(const std::byte* block, float* values) {
  const float scale = load_half(block);
  for (size_t i = 0; i < kBlock; ++i) {
    values[i] = scale * static_cast<float>(load<int8_t>(block + 2 + i));
  }
}

void decode_f32(const std::byte* block, float* values) {
  *values = load<float>(block);
}
void decode_f16(const std::byte* block, float* values) {
  *values = load_half(block);
}
void decode_bf16(const std::byte* block, float* values) {
  *values = bfloat16_to_float(load<uint16_t>(block));
}

using DecodeBlock = void (*)(const std::byte* block, float* values);

template <DecodeBlock kDecode>
void decode_blocks(const std::byte* bytes, const GgufBlock& block, std::span<float> values) {
  for (size_t i = 0; i < values.size(); i += block.num_elements) {
    kDecode(bytes, values.data() + i);
    bytes += block.num_bytes;
  }
}

}  // namespace

void dequantize(const GgufTensor& tensor, size_t first, std::span<float> values) {
  const GgufBlock& block = *find_gguf_block(static_cast<uint32_t>(tensor.type));
  const size_t num_elements = tensor.bytes.size() / block.num_bytes * block.num_elements;
  SFT_CHECK(first % block.num_elements == 0 && values.size() % block.num_elements == 0);
  SFT_CHECK(first <= num_elements && values.size() <= num_elements - first);
  const std::byte* const bytes = tensor.bytes.data() + first / block.num_elements * block.num_bytes;
  switch (tensor.type) {
    case GgufType::kF32:
      return decode_blocks<decode_f32>(bytes, block, values);
    case GgufType::kF16:
      return decode_blocks<decode_f16>(bytes, block, values);
    case GgufType::kBF16:
      return decode_blocks<decode_bf16>(bytes, block, values);
    case GgufType::kQ40:
      return decode_blocks<decode_packed<false, false>>(bytes, block, values);
    case GgufType::kQ41:
      return decode_blocks<decode_packed<false, true>>(bytes, block, values);
    case GgufType::kQ50:
      return decode_blocks<decode_packed<true, false>>(bytes, block, values);
    case GgufType::kQ51:
      return decode_blocks<decode_packed<true, true>>(bytes, block, values);
    case GgufType::kQ80:
      return decode_blocks<decode_q80>(bytes, block, values);
  }
}

}  // namespace sft
