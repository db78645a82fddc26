#include "sft/tasks/python_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <utility>
#include <vector>

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

// Unicode's Other_Lowercase outside of the categories that str.lower looks through.
constexpr std::array<Range, 4> kOtherLowercase = {
    {{0xaa, 0xaa}, {0xba, 0xba}, {0x2170, 0x217f}, {0x24d0, 0x24e9}}};

// Numeric_Type=Digit: superscripts, digits in circles and the like, which are no Nd.
constexpr std::array<Range, 20> kOtherDigits = {
    {{0xb2, 0xb3},       {0xb9, 0xb9},       {0x1369, 0x1371},   {0x19da, 0x19da},
     {0x2070, 0x2070},   {0x2074, 0x2079},   {0x2080, 0x2089},   {0x2460, 0x2468},
     {0x2474, 0x247c},   {0x2488, 0x2490},   {0x24ea, 0x24ea},   {0x24f5, 0x24fd},
     {0x24ff, 0x24ff},   {0x2776, 0x277e},   {0x2780, 0x2788},   {0x278a, 0x2792},
     {0x10a40, 0x10a43}, {0x10e60, 0x10e68}, {0x11052, 0x1105a}, {0x1f100, 0x1f10a}}};

// Marks inside words, which the rule for a final sigma looks through: Word_Break MidLetter,
// MidNumLet and Single_Quote.
constexpr std::array<char32_t, 17> kInsideWords = {0x27,   0x2e,   0x3a,   0xb7,   0x387,  0x55f,
                                                   0x5f4,  0x2018, 0x2019, 0x2024, 0x2027, 0xfe13,
                                                   0xfe52, 0xfe55, 0xff07, 0xff0e, 0xff1a};

constexpr char32_t kCapitalSigma = 0x3a3;
constexpr char32_t kSmallSigma = 0x3c3;
constexpr char32_t kFinalSigma = 0x3c2;
constexpr char32_t kCapitalIWithDot = 0x130;

template <size_t kSize>
bool is_in(const std::array<Range, kSize>& ranges, char32_t value) {
  return std::any_of(ranges.begin(), ranges.end(), [value](const Range& range) {
    return range.first <= value && value <= range.second;
  });
}

bool is_decimal(char32_t value) {
  return utf8proc_category(static_cast<utf8proc_int32_t>(value)) == UTF8PROC_CATEGORY_ND;
}

utf8proc_category_t category(char32_t value) {
  return utf8proc_category(static_cast<utf8proc_int32_t>(value));
}

bool is_case_ignorable(char32_t value) {
  switch (category(value)) {
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_SK:
      return true;
    default:
      return std::find(kInsideWords.begin(), kInsideWords.end(), value) != kInsideWords.end();
  }
}

bool is_cased(char32_t value) {
  return is_python_upper(value) || category(value) == UTF8PROC_CATEGORY_LL ||
         category(value) == UTF8PROC_CATEGORY_LT || is_in(kOtherLowercase, value);
}

// Whether the sigma at `place` ends a word: a cased letter before it, none behind, whatever marks
// stand between.
bool is_final_sigma(const std::vector<CodePoint>& points, size_t place) {
  size_t before = place;
  while (before > 0 && is_case_ignorable(points[before - 1].value)) {
    --before;
  }
  if (before == 0 || !is_cased(points[before - 1].value)) {
    return false;
  }
  size_t behind = place + 1;
  while (behind < points.size() && is_case_ignorable(points[behind].value)) {
    ++behind;
  }
  return behind == points.size() || !is_cased(points[behind].value);
}

void append_utf8(std::string& text, char32_t value) {
  std::array<utf8proc_uint8_t, 4> bytes{};
  const utf8proc_ssize_t num_bytes =
      utf8proc_encode_char(static_cast<utf8proc_int32_t>(value), bytes.data());
  text.append(bytes.begin(), bytes.begin() + num_bytes);
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

bool is_python_digit(char32_t value) {
  return is_decimal(value) || is_in(kOtherDigits, value);
}

std::string python_lower(std::string_view text) {
  std::vector<CodePoint> points;
  for (size_t i = 0; i < text.size(); i += points.back().num_bytes) {
    points.push_back(code_point_at(text, i));
  }
  std::string result;
  size_t byte = 0;
  for (size_t i = 0; i < points.size(); ++i) {
    const char32_t value = points[i].value;
    if (value == kCapitalSigma) {
      append_utf8(result, is_final_sigma(points, i) ? kFinalSigma : kSmallSigma);
    } else if (value == kCapitalIWithDot) {
      result += "i\u0307";
    } else {
      const auto lower =
          static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(value)));
      if (lower == value) {
        result += text.substr(byte, points[i].num_bytes);  // broken bytes too
      } else {
        append_utf8(result, lower);
      }
    }
    byte += points[i].num_bytes;
  }
  return result;
}

std::string python_capitalize(const std::string& text) {
  if (text.empty()) {
    return text;
  }
  const CodePoint first = code_point_at(text, 0);
  std::string result;
  const auto title =
      static_cast<char32_t>(utf8proc_totitle(static_cast<utf8proc_int32_t>(first.value)));
  if (title == first.value) {
    result = text.substr(0, first.num_bytes);
  } else {
    append_utf8(result, title);
  }
  return result + python_lower(text.substr(first.num_bytes));
}

std::string python_replace(std::string text, std::string_view from, std::string_view to) {
  size_t begin = 0;
  std::string replaced;
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, begin)) {
    replaced.append(text, begin, at - begin).append(to);
    begin = at + from.size();
  }
  return begin == 0 ? text : replaced.append(text, begin);
}

size_t num_code_points(std::string_view text) {
  size_t count = 0;
  for (size_t i = 0; i < text.size(); i += code_point_at(text, i).num_bytes) {
    ++count;
  }
  return count;
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
