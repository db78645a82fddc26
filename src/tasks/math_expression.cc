#include "tasks/math_expression.h"

#include <array>
#include <charconv>
#include <cmath>
#include <numbers>
#include <string>

#include "sft/core/rng.h"

namespace sft {
namespace {

using Value = std::complex<double>;

constexpr int kDeepest = 64;
constexpr double kLargestFactorial = 170;

struct Function {
  std::string_view name;
  Value (*of)(const Value& value);
};
constexpr Function kFunctions[] = {
    {"sin", [](const Value& x) { return std::sin(x); }},
    {"cos", [](const Value& x) { return std::cos(x); }},
    {"tan", [](const Value& x) { return std::tan(x); }},
    {"cot", [](const Value& x) { return 1.0 / std::tan(x); }},
    {"sec", [](const Value& x) { return 1.0 / std::cos(x); }},
    {"csc", [](const Value& x) { return 1.0 / std::sin(x); }},
    {"arcsin", [](const Value& x) { return std::asin(x); }},
    {"arccos", [](const Value& x) { return std::acos(x); }},
    {"arctan", [](const Value& x) { return std::atan(x); }},
    {"sinh", [](const Value& x) { return std::sinh(x); }},
    {"cosh", [](const Value& x) { return std::cosh(x); }},
    {"tanh", [](const Value& x) { return std::tanh(x); }},
    {"ln", [](const Value& x) { return std::log(x); }},
    {"log", [](const Value& x) { return std::log10(x); }},
    {"exp", [](const Value& x) { return std::exp(x); }},
};

constexpr std::string_view kLetters[] = {"alpha",  "beta", "gamma", "delta", "epsilon", "theta",
                                         "lambda", "mu",   "nu",    "phi",   "varphi",  "rho",
                                         "sigma",  "tau",  "omega", "Omega", "Delta",   "infty"};

bool is_digit(char byte) {
  return byte >= '0' && byte <= '9';
}

bool is_letter(char byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

// A recursive descent over the text that computes as it reads. Throws Failure (caught below) where
// the text is no formula.
class Reader {
 public:
  struct Failure {};

  Reader(std::string_view text, uint64_t seed) : text_(text), seed_(seed) {}

  Value read_all() {
    const Value value = read_sum();
    skip_blanks();
    check(at_ == text_.size());
    return value;
  }

 private:
  static void check(bool holds) {
    if (!holds) {
      throw Failure{};
    }
  }

  void skip_blanks() {
    while (at_ < text_.size() && text_[at_] == ' ') {
      ++at_;
    }
  }
  char peek() {
    skip_blanks();
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool take(std::string_view token) {
    skip_blanks();
    if (!text_.substr(at_).starts_with(token)) {
      return false;
    }
    const size_t end = at_ + token.size();
    const bool is_command = token.size() > 1 && token.front() == '\\';
    if (is_command && end < text_.size() && is_letter(text_[end])) {
      return false;  // "\in" of "\infty"
    }
    at_ = end;
    return true;
  }

  Value read_sum() {
    check(++depth_ < kDeepest);
    Value sum = read_product();
    while (true) {
      if (take("+")) {
        sum += read_product();
      } else if (take("-")) {
        sum -= read_product();
      } else {
        --depth_;
        return sum;
      }
    }
  }

  Value read_product() {
    Value product = read_signed();
    while (true) {
      if (take("*") || take("\\cdot") || take("\\times")) {
        product *= read_signed();
      } else if (take("/") || take("\\div")) {
        product /= read_signed();
      } else if (starts_factor()) {
        product *= read_power();
      } else {
        return product;
      }
    }
  }

  bool starts_factor() {
    const char next = peek();
    if (next == '|') {
      return !is_in_bars_;
    }
    return next != '\0' && (is_digit(next) || is_letter(next) || next == '.' || next == '(' ||
                            next == '{' || next == '[' || starts_command());
  }
  bool starts_command() {
    const std::string_view rest = text_.substr(at_);
    return rest.starts_with('\\') && !rest.starts_with("\\cdot") && !rest.starts_with("\\times") &&
           !rest.starts_with("\\div");
  }

  Value read_signed() {
    check(++depth_ < kDeepest);
    const Value value = take("-") ? -read_signed() : take("+") ? read_signed() : read_power();
    --depth_;
    return value;
  }

  Value read_power() {
    Value base = read_base();
    while (true) {
      if (take("^")) {
        base = power(base, read_argument());
      } else if (take("!")) {
        check(base.imag() == 0 && base.real() >= 0 && base.real() <= kLargestFactorial);
        base = std::tgamma(base.real() + 1);
      } else {
        return base;
      }
    }
  }

  // Whole powers of real numbers without a logarithm's rounding.
  static Value power(const Value& base, const Value& exponent) {
    if (base.imag() == 0 && exponent.imag() == 0 &&
        (base.real() >= 0 || exponent.real() == std::round(exponent.real()))) {
      return std::pow(base.real(), exponent.real());
    }
    return std::pow(base, exponent);
  }

  // What a ^, \frac or \sqrt takes: a group, a command, or one letter or digit.
  Value read_argument() {
    const char next = peek();
    if (next == '{' || next == '\\' || next == '(') {
      return read_base();
    }
    if (next == '-') {  // x^-1, though LaTeX would not
      ++at_;
      return -read_argument();
    }
    if (is_digit(next)) {
      ++at_;
      return static_cast<double>(next - '0');
    }
    return read_base();
  }

  Value read_group(std::string_view close) {
    const bool were_in_bars = is_in_bars_;
    is_in_bars_ = close == "|";
    const Value value = read_sum();
    is_in_bars_ = were_in_bars;
    check(take(close));
    return value;
  }

  Value read_base() {
    const char next = peek();
    if (is_digit(next) || next == '.') {
      return read_number();
    }
    if (is_letter(next)) {
      ++at_;
      return read_variable(std::string(1, next));
    }
    for (const auto& [open, close] :
         {std::pair("(", ")"), std::pair("[", "]"), std::pair("{", "}"), std::pair("\\{", "\\}")}) {
      if (take(open)) {
        return read_group(close);
      }
    }
    if (take("|")) {
      return std::abs(read_group("|"));
    }
    return read_command();
  }

  // "3\frac{1}{2}" is three and a half.
  Value read_number() {
    const size_t begin = at_;
    while (at_ < text_.size() && (is_digit(text_[at_]) || text_[at_] == '.')) {
      ++at_;
    }
    double value = 0;
    const char* const end = text_.data() + at_;
    const auto [stop, error] = std::from_chars(text_.data() + begin, end, value);
    check(error == std::errc() && stop == end);
    const bool is_whole = text_.substr(begin, at_ - begin).find('.') == std::string_view::npos;
    const std::optional<double> fraction = is_whole ? take_plain_fraction() : std::nullopt;
    return value + fraction.value_or(0);
  }

  // A fraction of two whole numbers in braces.
  std::optional<double> take_plain_fraction() {
    const size_t before = at_;
    const auto take_whole = [this]() -> std::optional<double> {
      double value = 0;
      if (!take("{")) {
        return std::nullopt;
      }
      const auto [stop, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(),
                                                 value, std::chars_format::fixed);
      const bool is_whole = error == std::errc() && value == std::floor(value) && value > 0;
      at_ = static_cast<size_t>(stop - text_.data());
      return is_whole && take("}") ? std::optional(value) : std::nullopt;
    };
    if (take("\\frac")) {
      const std::optional<double> above = take_whole();
      const std::optional<double> below = above ? take_whole() : std::nullopt;
      if (below) {
        return *above / *below;
      }
    }
    at_ = before;
    return std::nullopt;
  }

  Value read_variable(std::string name) {
    if (take("_")) {
      name += "_" + read_subscript();
    } else if (name == "i") {
      return {0, 1};
    }
    return 0.5 + 2.0 * Rng(seed_, name).uniform(0);
  }

  std::string read_subscript() {
    if (!take("{")) {
      check(peek() != '\0');
      return std::string(1, text_[at_++]);
    }
    const size_t close = text_.find('}', at_);
    check(close != std::string_view::npos);
    std::string name(text_.substr(at_, close - at_));
    at_ = close + 1;
    return name;
  }

  Value read_command() {
    if (take("\\frac")) {
      const Value above = read_argument();
      return above / read_argument();
    }
    if (take("\\sqrt")) {
      const Value degree = take("[") ? read_group("]") : Value(2);
      return root(read_argument(), degree);
    }
    if (take("\\binom")) {
      const double n = read_argument().real();
      const double k = read_argument().real();
      return std::round(std::exp(std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k + 1)));
    }
    if (take("\\pi")) {
      return std::numbers::pi;
    }
    if (take("\\lfloor")) {
      return std::floor(read_group("\\rfloor").real());
    }
    if (take("\\lceil")) {
      return std::ceil(read_group("\\rceil").real());
    }
    for (const Function& function : kFunctions) {
      if (take("\\" + std::string(function.name))) {
        return read_function(function);
      }
    }
    for (const std::string_view letter : kLetters) {
      if (take("\\" + std::string(letter))) {
        return read_variable(std::string(letter));
      }
    }
    throw Failure{};
  }

  static Value root(const Value& value, const Value& degree) {
    const bool is_odd = degree.imag() == 0 && std::fmod(degree.real(), 2) == 1;
    if (is_odd && value.imag() == 0 && value.real() < 0) {
      return -std::pow(-value.real(), 1 / degree.real());
    }
    return degree == Value(2) ? std::sqrt(value) : power(value, 1.0 / degree);
  }

  // "\sin^2 x", "\log_2 8", "\sin 2x + 1".
  Value read_function(const Function& function) {
    Value base = 0;
    if (function.name == "log" && take("_")) {
      base = read_argument();
    }
    Value exponent = 1;
    if (take("^")) {
      exponent = read_argument();
    }
    Value argument = 1;
    const char next = peek();
    if (next == '(' || next == '{') {
      argument = read_power();
    } else {
      check(starts_factor());
      while (starts_factor()) {
        argument *= read_power();
      }
    }
    const Value value =
        base == Value(0) ? function.of(argument) : std::log(argument) / std::log(base);
    return exponent == Value(1) ? value : power(value, exponent);
  }

  std::string_view text_;
  uint64_t seed_;
  size_t at_ = 0;
  int depth_ = 0;
  bool is_in_bars_ = false;
};

}  // namespace

std::optional<std::complex<double>> evaluate_latex(std::string_view text, uint64_t seed) {
  try {
    const Value value = Reader(text, seed).read_all();
    return std::isfinite(value.real()) && std::isfinite(value.imag()) ? std::optional(value)
                                                                      : std::nullopt;
  } catch (const Reader::Failure&) {
    return std::nullopt;
  }
}

}  // namespace sft
