#include "text/protobuf.h"

#include <bit>
#include <cstring>

#include <fmt/format.h>

#include "sft/core/error.h"

namespace sft {
namespace {

constexpr int kVarintBits = 7;
constexpr int kMostShift = 63;

static_assert(std::endian::native == std::endian::little);

}  // namespace

float ProtobufReader::Field::as_float() const {
  return std::bit_cast<float>(static_cast<uint32_t>(value));
}

std::optional<ProtobufReader::Field> ProtobufReader::next() {
  if (bytes_.empty()) {
    return std::nullopt;
  }
  const uint64_t tag = varint();
  Field field;
  field.number = static_cast<uint32_t>(tag >> 3);
  switch (tag & 7) {
    case 0:
      field.value = varint();
      break;
    case 1:
      std::memcpy(&field.value, take(8).data(), 8);
      break;
    case 2:
      field.bytes = take(varint());
      field.is_bytes = true;
      break;
    case 5:
      std::memcpy(&field.value, take(4).data(), 4);
      break;
    default:
      throw Error(fmt::format("{}: broken: a field of wire type {}", where_, tag & 7));
  }
  return field;
}

uint64_t ProtobufReader::varint() {
  uint64_t value = 0;
  for (int shift = 0; shift <= kMostShift; shift += kVarintBits) {
    const auto byte = static_cast<uint8_t>(take(1).front());
    value |= uint64_t{byte & 0x7FU} << shift;
    if ((byte & 0x80) == 0) {
      return value;
    }
  }
  throw Error(fmt::format("{}: broken: a number of more than ten bytes", where_));
}

std::string_view ProtobufReader::take(uint64_t size) {
  if (size > bytes_.size()) {
    throw Error(fmt::format("{}: broken or cut off: {} bytes are needed where {} are left", where_,
                            size, bytes_.size()));
  }
  const std::string_view taken = bytes_.substr(0, size);
  bytes_.remove_prefix(size);
  return taken;
}

}  // namespace sft
