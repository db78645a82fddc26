#include "text/utf8.h"

#include <cstring>

namespace sft {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// How many bytes from `offset` on are valid UTF-8.
size_t valid_length(std::string_view text, size_t offset) {
  const size_t begin = offset;
  while (offset < text.size()) {
    uint64_t eight = 0;
    if (offset + sizeof(eight) <= text.size()) {
      std::memcpy(&eight, text.data() + offset, sizeof(eight));
      if ((eight & 0x8080808080808080U) == 0) {
        offset += sizeof(eight);
        continue;
      }
    }
    const Utf8Prefix prefix = utf8_prefix(text.substr(offset));
    if (prefix.status != Utf8Status::kValid) {
      break;
    }
    offset += prefix.size;
  }
  return offset - begin;
}

}  // namespace

void append_utf8(char32_t code_point, std::string& text) {
  const auto put = [&text](char32_t byte) { text.push_back(static_cast<char>(byte)); };
  if (code_point < 0x80) {
    put(code_point);
  } else if (code_point < 0x800) {
    put(0xC0 | code_point >> 6);
    put(0x80 | (code_point & 0x3F));
  } else if (code_point < 0x10000) {
    put(0xE0 | code_point >> 12);
    put(0x80 | (code_point >> 6 & 0x3F));
    put(0x80 | (code_point & 0x3F));
  } else {
    put(0xF0 | code_point >> 18);
    put(0x80 | (code_point >> 12 & 0x3F));
    put(0x80 | (code_point >> 6 & 0x3F));
    put(0x80 | (code_point & 0x3F));
  }
}

Utf8Prefix utf8_prefix(std::string_view bytes) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(bytes[i]); };
  const uint8_t lead = byte(0);
  if (lead < 0x80) {
    return {Utf8Status::kValid, 1};
  }
  if (lead < 0xC2 || lead > 0xF4) {
    return {Utf8Status::kInvalid, 1};
  }
  const uint32_t size = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  // The second byte's range is what keeps out overlong forms, surrogates and beyond U+10FFFF.
  uint8_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  uint8_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  for (uint32_t i = 1; i < size; ++i) {
    if (i == bytes.size()) {
      return {Utf8Status::kCutOff, i};
    }
    if (byte(i) < low || byte(i) > high) {
      return {Utf8Status::kInvalid, i};
    }
    low = 0x80;
    high = 0xBF;
  }
  return {Utf8Status::kValid, size};
}

bool is_valid_utf8(std::string_view text) {
  return valid_length(text, 0) == text.size();
}

std::optional<EditedText> replace_invalid_utf8(std::string_view text) {
  size_t valid = valid_length(text, 0);
  if (valid == text.size()) {
    return std::nullopt;
  }
  EditedText edited;
  size_t offset = 0;
  while (true) {
    edited.text.append(text, offset, valid);
    offset += valid;
    if (offset == text.size()) {
      return edited;
    }
    const size_t bad = utf8_prefix(text.substr(offset)).size;
    const size_t begin = edited.text.size();
    edited.text += kReplacement;
    edited.origin.add({begin, edited.text.size(), offset, offset + bad});
    offset += bad;
    valid = valid_length(text, offset);
  }
}

}  // namespace sft
