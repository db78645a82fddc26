#pragma once

#include <string_view>

namespace sft {

// Whether two answers to a mathematical question mean the same: our strict reading of MATH.
//
// Layout, units, degree and percent signs, dollars, a leading "x =" and groups of thousands do not
// matter; the value of a formula does, however it is written (0.5, 1/2, \frac{1}{2}, \dfrac12), to
// nine digits, at several points where it has variables. Members of (...) and [...] count in order,
// of {...}, of lists and of unions in any order; brackets of intervals must agree. Words must be
// the same words. What cannot be read as a formula must be the same text.
bool are_math_answers_equal(std::string_view one, std::string_view other);

}  // namespace sft
