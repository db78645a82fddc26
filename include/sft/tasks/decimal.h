#pragma once

#include <string>
#include <string_view>

namespace sft {

// Whether a text is a decimal number such as "-12", "+0.50" or ".5", blanks around it aside.
bool is_decimal_number(std::string_view text);

// "-007.50" as "-7.5", "0.0" as "0": equal numbers give equal texts, of any length.
std::string canonical_decimal(std::string_view text);

}  // namespace sft
