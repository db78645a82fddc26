#include "sft/core/one_line.h"

#include <algorithm>
#include <cstdint>

#include <fmt/format.h>

namespace sft {
namespace {

constexpr size_t kMaxBytes = 8000;
constexpr size_t kTailBytes = 1000;  // where messages say what to do
constexpr std::string_view kGap = " ... ";

bool is_continuation(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0) == 0x80;
}

// Without the rest of a character at its begin.
std::string_view from_character(std::string_view text) {
  const auto* const begin = std::find_if_not(text.begin(), text.end(), is_continuation);
  return text.substr(static_cast<size_t>(begin - text.begin()));
}

struct Decoded {
  uint32_t code_point = 0;
  size_t num_bytes = 0;  // 0: no UTF-8
};

// The first character of `text`, which is not empty.
Decoded decode(std::string_view text) {
  const auto first = static_cast<unsigned char>(text.front());
  if (first < 0x80) {
    return {first, 1};
  }
  const size_t num_bytes = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
  if (first < 0xC2 || first > 0xF4 || text.size() < num_bytes ||
      !std::all_of(text.begin() + 1, text.begin() + static_cast<ptrdiff_t>(num_bytes),
                   is_continuation)) {
    return {};
  }
  uint32_t code_point = first & (0xFFU >> (num_bytes + 1));
  for (const char byte : text.substr(1, num_bytes - 1)) {
    code_point = code_point << 6 | (static_cast<unsigned char>(byte) & 0x3FU);
  }
  constexpr uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const bool is_surrogate = code_point >= 0xD800 && code_point <= 0xDFFF;
  if (code_point < kSmallest[num_bytes] || code_point > 0x10FFFF || is_surrogate) {
    return {};
  }
  return {code_point, num_bytes};
}

// Control characters of both ranges, line and paragraph separators, and what turns the direction of
// the text behind it.
bool is_escaped(uint32_t c) {
  return c < 0x20 || (c >= 0x7F && c <= 0x9F) || c == 0x200E || c == 0x200F ||
         (c >= 0x2028 && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
}

std::string escape(uint32_t code_point) {
  switch (code_point) {
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    default:
      return code_point < 0x80 ? fmt::format("\\x{:02x}", code_point)
                               : fmt::format("\\u{:04x}", code_point);
  }
}

std::string escaped(std::string_view text) {
  std::string line;
  line.reserve(text.size());
  while (!text.empty()) {
    const Decoded next = decode(text);
    if (next.num_bytes == 0) {
      line += fmt::format("\\x{:02x}", static_cast<unsigned char>(text.front()));
    } else if (is_escaped(next.code_point)) {
      line += escape(next.code_point);
    } else {
      line += text.substr(0, next.num_bytes);
    }
    text.remove_prefix(std::max<size_t>(next.num_bytes, 1));
  }
  return line;
}

}  // namespace

std::string one_line(std::string_view text) {
  // Every byte gives one or more, so that the ends of a long text give the ends of its line.
  const bool is_long = text.size() > kMaxBytes;
  std::string head = escaped(text.substr(0, kMaxBytes));
  if (!is_long && head.size() <= kMaxBytes) {
    return head;
  }
  std::string tail =
      is_long ? escaped(from_character(text.substr(text.size() - kTailBytes))) : head;
  size_t end = kMaxBytes - kTailBytes - kGap.size();
  while (end > 0 && is_continuation(head[end])) {
    --end;  // not inside a character
  }
  head.resize(end);
  tail.erase(0, tail.size() - std::min(tail.size(), kTailBytes));
  return head + std::string(kGap) + std::string(from_character(tail));
}

}  // namespace sft
