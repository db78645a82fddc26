#include "sft/tasks/decimal.h"

#include <algorithm>

#include "sft/tasks/python_text.h"

namespace sft {

bool is_decimal_number(std::string_view text) {
  std::string_view number = python_strip(text);
  if (number.starts_with('-') || number.starts_with('+')) {
    number.remove_prefix(1);
  }
  const auto is_digit = [](char byte) { return byte >= '0' && byte <= '9'; };
  const auto num_points = std::count(number.begin(), number.end(), '.');
  const auto num_digits = std::count_if(number.begin(), number.end(), is_digit);
  return num_points <= 1 && num_digits > 0 &&
         num_points + num_digits == static_cast<std::ptrdiff_t>(number.size());
}

std::string canonical_decimal(std::string_view text) {
  std::string number(python_strip(text));
  const bool is_negative = number.starts_with('-');
  number.erase(0, std::min(number.find_first_not_of("+-0"), number.size()));
  if (number.find('.') != std::string::npos) {
    number.erase(number.find_last_not_of('0') + 1);
    if (number.ends_with('.')) {
      number.pop_back();
    }
  }
  if (number.empty()) {
    return "0";
  }
  return (is_negative ? "-" : "") + (number.starts_with('.') ? "0" + number : number);
}

}  // namespace sft
