#pragma once

#include <complex>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sft {

// The value of a formula in LaTeX with every variable at a point that `seed` and its name decide
// (between 1/2 and 5/2), so that formulas which agree at some seeds are equal but for chance.
// Knows numbers, mixed fractions (1\frac{1}{2}), + - * / ^ !, roots, absolute values, the usual
// functions, \pi and i; letters beside each other are multiplied, a subscript belongs to the
// variable's name. None where the text is no such formula, or its value is not finite.
std::optional<std::complex<double>> evaluate_latex(std::string_view text, uint64_t seed);

}  // namespace sft
