#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace sft {

// What Python's str, int and float do with text, for rules of evaluation that were published as
// Python. Texts are UTF-8; bytes that are none stand for themselves and have no properties.

// The code point that starts at `offset`, and its number of bytes (1 and U+FFFD for a broken one).
struct CodePoint {
  char32_t value = 0;
  size_t num_bytes = 0;
};
CodePoint code_point_at(std::string_view text, size_t offset);

bool is_python_space(char32_t value);  // str.isspace, which is also what \s means in re
bool is_python_upper(char32_t value);  // str.isupper of one character
bool is_python_digit(
    char32_t value);  // str.isdigit of one character: \u00b2 is one, \u00bd is none
std::string_view python_strip(std::string_view text);
std::string python_lower(std::string_view text);         // str.lower
std::string python_capitalize(const std::string& text);  // str.capitalize
std::string python_replace(std::string text, std::string_view from, std::string_view to);
size_t num_code_points(std::string_view text);  // len(text)

// float(text) and int(text): surrounding blanks, digits of any script and underscores between
// digits are taken; none where Python raises. An integer too large for a double is infinite.
std::optional<double> python_float(std::string_view text);
std::optional<double> python_int(std::string_view text);

// Digits of any script (Unicode's Nd) as ASCII ones, all else unchanged.
std::string with_ascii_digits(std::string_view text);

}  // namespace sft
