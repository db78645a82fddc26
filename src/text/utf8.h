#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "text/offset_map.h"

namespace sft {

struct DecodedChar {
  char32_t code_point;
  uint32_t size;  // bytes
};

// The character at `offset` of valid UTF-8.
inline DecodedChar decode_char(std::string_view text, size_t offset) {
  const auto byte = [&](size_t i) {
    return static_cast<char32_t>(static_cast<uint8_t>(text[offset + i]));
  };
  const char32_t lead = byte(0);
  if (lead < 0x80) {
    return {lead, 1};
  }
  if (lead < 0xE0) {
    return {(lead & 0x1F) << 6 | (byte(1) & 0x3F), 2};
  }
  if (lead < 0xF0) {
    return {(lead & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F), 3};
  }
  return {(lead & 0x07) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 | (byte(3) & 0x3F),
          4};
}

// Where the character that ends at `offset` (> 0) of valid UTF-8 begins.
inline size_t previous_char(std::string_view text, size_t offset) {
  do {
    --offset;
  } while ((static_cast<uint8_t>(text[offset]) & 0xC0) == 0x80);
  return offset;
}

void append_utf8(char32_t code_point, std::string& text);

enum class Utf8Status { kValid, kInvalid, kCutOff };
struct Utf8Prefix {
  Utf8Status status;
  uint32_t size;  // of the character, or of the maximal subpart of an ill-formed one
};
// What `bytes` (not empty) begins with. kCutOff: a character may continue past the end.
Utf8Prefix utf8_prefix(std::string_view bytes);

bool is_valid_utf8(std::string_view text);

// `text` with U+FFFD for each maximal subpart of ill-formed UTF-8 (Unicode 16, table 3-8; Python's
// errors='replace'); nothing where it is valid.
std::optional<EditedText> replace_invalid_utf8(std::string_view text);

}  // namespace sft
