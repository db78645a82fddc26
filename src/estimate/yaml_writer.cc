#include "estimate/yaml_writer.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "sft/core/format.h"

namespace sft {
namespace {

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

constexpr std::array<std::string_view, 10> kReserved = {"true", "false", "yes", "no",   "on",
                                                        "off",  "y",     "n",   "null", "nan"};

// Words that some YAML reader takes for something other than a text.
bool is_reserved(std::string_view text) {
  std::string lower(text);
  std::ranges::transform(lower, lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return std::ranges::find(kReserved, lower) != kReserved.end();
}

bool is_plain(std::string_view text) {
  if (text.empty() || is_reserved(text)) {
    return false;
  }
  // A first letter or slash rules out numbers, dates and YAML's own signs.
  if (!is_letter(text.front()) && text.front() != '/' && text.front() != '_') {
    return false;
  }
  return std::ranges::all_of(text, [](char c) {
    return is_letter(c) || is_digit(c) || std::string_view("._/-@+").find(c) != std::string::npos;
  });
}

}  // namespace

std::string yaml_scalar(std::string_view text) {
  if (is_plain(text)) {
    return std::string(text);
  }
  std::string quoted = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += c;
    } else if (c == '\n') {
      quoted += "\\n";
    } else if (byte < 0x20 || byte == 0x7F) {
      quoted += fmt::format("\\x{:02x}", byte);
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

std::string yaml_scalar(double value) {
  std::string text = format_shortest(value);
  if (text.find('.') == std::string::npos) {
    text.insert(std::min(text.find('e'), text.size()), ".0");
  }
  return text;
}

std::string yaml_scalar(bool value) {
  return value ? "true" : "false";
}
std::string yaml_scalar(int64_t value) {
  return std::to_string(value);
}

}  // namespace sft
