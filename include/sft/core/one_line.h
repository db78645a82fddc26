#pragma once

#include <string>
#include <string_view>

namespace sft {

// `text` as part of one line on a terminal: control characters, what reorders or breaks lines
// (U+2028, U+202E and their like) and bytes that are no UTF-8 are written as \n, \x1b, \u202e,
// \xff. All else stays, the backslash too. What makes more than 8,000 bytes loses its middle.
std::string one_line(std::string_view text);

}  // namespace sft
