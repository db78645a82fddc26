#include "sft/tasks/python_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <utility>

#include <utf8proc.h>

namespace sft {
namespace {

using Range = std::pair<char32_t, char32_t>;

// Bidirectional types WS, B and S, and category Zs.
constexpr std::array<Range, 9> kSpaces = {{{0x09, 0x0d},
                                           {0x1c, 0x20},
                                           {0x85, 0x85},
                                           {0xa0, 0xa0},
                                           {0x1680, 0x1680},
                                           {0x2000, 0x200a},
                                           {0x2028, 0x2029},
                                           {0x202f, 0x202f},
                                           {0x205f, 0x205f}}};
constexpr char32_t kIdeographicSpace = 0x3000;

// Unicode's Other_Uppercase: letters in circles, squares and Roman numbers, which are no Lu.
constexpr std::array<Range, 5> kOtherUppercase = {{{0x2160, 0x216f},
                                                   {0x24b6, 0x24cf},
                                                   {0x1f130, 0x1f149},
                                                   {0x1f150, 0x1f169},
                                                   {0x1f170, 0x1f189}}};

template <size_t kSize>
bool is_in(const std::array<Range, kSize>& ranges, char32_t value) {
  return std::any_of(ranges.begin(), ranges.end(), [value](const Range& range) {
    return range.first <= value && value <= range.second;
  });
}

bool is_decimal(char32_t value) {
  return utf8proc_category(static_cast<utf8proc_int32_t>(value)) == UTF8PROC_CATEGORY_ND;
}

// Every script has its digits 0 to 9 in one run, and runs that touch are whole ones, so the place
// in the run tells the value.
int decimal_value(char32_t value) {
  char32_t first = value;
  while (is_decimal(first - 1)) {
    --first;
  }
  return static_cast<int>((value - first) % 10);
}

bool is_digit(char byte) {
  return byte >= '0' && byte <= '9';
}

// Takes out underscores that stand between digits; none where one stands elsewhere.
std::optional<std::string> without_underscores(const std::string& text) {
  std::string kept;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      kept += text[i];
      continue;
    }
    if (i == 0 || i + 1 == text.size() || !is_digit(text[i - 1]) || !is_digit(text[i + 1])) {
      return std::nullopt;
    }
  }
  return kept;
}

// The text that Python's parsers look at, less a leading plus sign, which from_chars refuses.
std::optional<std::string> number_text(std::string_view text) {
  std::optional<std::string> number = without_underscores(with_ascii_digits(python_strip(text)));
  if (number && number->starts_with('+')) {
    number->erase(0, 1);
    if (number->starts_with('-')) {
      return std::nullopt;
    }
  }
  return number;
}

std::optional<double> parse_double(const std::string& number) {
  double value = 0;
  const char* const end = number.data() + number.size();
  const auto [stop, error] = std::from_chars(number.data(), end, value);
  if (stop != end || error == std::errc::invalid_argument || number.ends_with(')')) {
    return std::nullopt;  // ')': C reads "nan(...)", Python does not
  }
  if (error == std::errc::result_out_of_range) {
    const bool is_tiny = number.find("e-") != std::string::npos ||
                         number.find("E-") != std::string::npos || number.starts_with("0.") ||
                         number.starts_with("-0.");
    const double huge = std::numeric_limits<double>::infinity();
    return is_tiny ? 0 : number.starts_with('-') ? -huge : huge;
  }
  return value;
}

}  // namespace

CodePoint code_point_at(std::string_view text, size_t offset) {
  utf8proc_int32_t value = 0;
  const auto* const bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data()) + offset;
  const auto num_left = static_cast<utf8proc_ssize_t>(text.size() - offset);
  const utf8proc_ssize_t num_bytes = utf8proc_iterate(bytes, num_left, &value);
  if (num_bytes <= 0) {
    return {.value = 0xfffd, .num_bytes = 1};
  }
  return {.value = static_cast<char32_t>(value), .num_bytes = static_cast<size_t>(num_bytes)};
}

bool is_python_space(char32_t value) {
  return is_in(kSpaces, value) || value == kIdeographicSpace;
}

bool is_python_upper(char32_t value) {
  return utf8proc_category(static_cast<utf8proc_int32_t>(value)) == UTF8PROC_CATEGORY_LU ||
         is_in(kOtherUppercase, value);
}

std::string_view python_strip(std::string_view text) {
  size_t begin = text.size();
  size_t end = 0;
  for (size_t i = 0; i < text.size();) {
    const CodePoint point = code_point_at(text, i);
    if (!is_python_space(point.value)) {
      begin = std::min(begin, i);
      end = i + point.num_bytes;
    }
    i += point.num_bytes;
  }
  return begin < end ? text.substr(begin, end - begin) : std::string_view();
}

std::string with_ascii_digits(std::string_view text) {
  std::string result;
  for (size_t i = 0; i < text.size();) {
    const CodePoint point = code_point_at(text, i);
    if (point.num_bytes > 1 && is_decimal(point.value)) {
      result += static_cast<char>('0' + decimal_value(point.value));
    } else {
      result += text.substr(i, point.num_bytes);
    }
    i += point.num_bytes;
  }
  return result;
}

std::optional<double> python_float(std::string_view text) {
  const std::optional<std::string> number = number_text(text);
  return number ? parse_double(*number) : std::nullopt;
}

std::optional<double> python_int(std::string_view text) {
  const std::optional<std::string> number = number_text(text);
  if (!number) {
    return std::nullopt;
  }
  const size_t first = number->starts_with('-') ? 1 : 0;
  const bool is_whole =
      number->size() > first &&
      std::all_of(number->begin() + static_cast<std::ptrdiff_t>(first), number->end(), is_digit);
  return is_whole ? parse_double(*number) : std::nullopt;
}

}  // namespace sft
