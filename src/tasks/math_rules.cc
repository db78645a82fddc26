#include "sft/tasks/math_rules.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "tasks/rules.h"

#include "sft/tasks/python_regex.h"
#include "sft/tasks/python_text.h"

namespace sft {
namespace {

using Replacement = std::pair<std::string_view, std::string_view>;

constexpr std::string_view kFraction = "\\frac";
constexpr std::string_view kBoxed = "\\boxed{";

constexpr Replacement kSubstitutions[] = {{"an ", ""},          {"a ", ""},
                                          {".$", "$"},          {"\\$", ""},
                                          {"\\ ", ""},          {" ", ""},
                                          {"mbox", "text"},     {",\\text{and}", ","},
                                          {"\\text{and}", ","}, {"\\text{m}", "\\text{}"},
                                          {"\\le", "<"}};

constexpr std::string_view kRemoved[] = {"square",
                                         "ways",
                                         "integers",
                                         "dollars",
                                         "mph",
                                         "inches",
                                         "ft",
                                         "hours",
                                         "km",
                                         "units",
                                         "\\ldots",
                                         "sue",
                                         "points",
                                         "feet",
                                         "minutes",
                                         "digits",
                                         "cents",
                                         "degrees",
                                         "cm",
                                         "gm",
                                         "pounds",
                                         "meters",
                                         "meals",
                                         "edges",
                                         "students",
                                         "childrentickets",
                                         "multiples",
                                         "\\text{s}",
                                         "\\text{.}",
                                         "\\text{\ns}",
                                         "\\text{}^2",
                                         "\\text{}^3",
                                         "\\text{\n}",
                                         "\\text{}",
                                         "\\mathrm{th}",
                                         "^\\circ",
                                         "^{\\circ}",
                                         "\\;",
                                         ",\\!",
                                         "{,}",
                                         "\"",
                                         "\\dots",
                                         "\n",
                                         "\r",
                                         "\f"};

// What is taken out for the comparison, in this order, in front of and behind the units.
constexpr Replacement kStrippedFirst[] = {{"\\!", ""},    {"\\ ", ""},       {"\\\\", "\\"},
                                          {"\\\\", "\\"}, {"tfrac", "frac"}, {"dfrac", "frac"},
                                          {"\\left", ""}, {"\\right", ""}};
constexpr Replacement kStrippedThen[] = {
    {"^{\\circ}", ""}, {"^\\circ", ""}, {"\\$", ""},    {"$", ""},
    {"\\text", ""},    {"x\\in", ""},   {"\\%", ""},    {"%", ""},
    {" .", " 0."},     {"{.", "{0."},   {"\\cdot", ""}, {"infinity", "\\infty"}};
constexpr Replacement kStrippedInVersion1[] = {
    {"\n", ""},     {"\\!", ""},     {"\\\\", "\\"},    {"tfrac", "frac"}, {"dfrac", "frac"},
    {"\\left", ""}, {"\\right", ""}, {"^{\\circ}", ""}, {"^\\circ", ""},   {"\\$", ""}};

template <size_t kSize>
std::string replace_in_order(std::string text, const Replacement (&replacements)[kSize]) {
  for (const auto& [from, to] : replacements) {
    text = python_replace(std::move(text), from, to);
  }
  return text;
}

PythonRegex line_pattern(std::string_view pattern) {
  return PythonRegex(pattern, PythonRegex::Dot::kNotNewline);
}

// text.split(separator)
std::vector<std::string> split(std::string_view text, std::string_view separator) {
  std::vector<std::string> pieces;
  size_t begin = 0;
  for (size_t at = text.find(separator); at != std::string_view::npos;
       at = text.find(separator, begin)) {
    pieces.emplace_back(text.substr(begin, at - begin));
    begin = at + separator.size();
  }
  pieces.emplace_back(text.substr(begin));
  return pieces;
}

// The group of the last match, where there is one.
std::string last_found(const PythonRegex& pattern, const std::string& text) {
  const std::vector<PythonRegex::Match> matches = pattern.find_all(text);
  return matches.empty() ? text : std::string(*matches.back().groups.at(1));
}

std::string unwrap(std::string answer) {
  static const PythonRegex kTextInBrackets = line_pattern(R"((\\text\{)\((.*?)\)(\}))");
  static const PythonRegex kText = line_pattern(R"((\\text\{)(.*?)(\}))");
  static const PythonRegex kBold = line_pattern(R"((\\textbf\{)(.*?)(\}))");
  static const PythonRegex kOverline = line_pattern(R"((\\overline\{)(.*?)(\}))");
  static const PythonRegex kBox = line_pattern(R"((\\boxed\{)(.*)(\}))");
  for (const PythonRegex* const pattern : {&kTextInBrackets, &kText, &kBold, &kOverline, &kBox}) {
    answer = pattern->replace_all(answer, "\\2");
  }
  return answer;
}

std::string take_last_statement(std::string answer) {
  static const PythonRegex kFinalAnswer = line_pattern("finalansweris(.*)");
  static const PythonRegex kAnswer = line_pattern("answer?is:?(.*)");
  static const PythonRegex kBox = line_pattern(R"(oxed\{(.*?)\})");
  static const PythonRegex kMath = line_pattern(R"(\$(.*?)\$)");
  for (const PythonRegex* const pattern : {&kFinalAnswer, &kAnswer, &kBox, &kMath}) {
    answer = last_found(*pattern, answer);
  }
  return answer;
}

// Whether Python's text.isdigit() holds.
bool are_digits(std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    const CodePoint point = code_point_at(text, i);
    if (!is_python_digit(point.value)) {
      return false;
    }
    i += point.num_bytes;
  }
  return !text.empty();
}

// "\frac12" as "\frac{1}{2}", "\frac1{x}" as "\frac{1}{x}"; the text itself where one lacks its
// parts.
std::string brace_fractions(const std::string& text) {
  const std::vector<std::string> pieces = split(text, kFraction);
  std::string result = pieces.front();
  for (size_t i = 1; i < pieces.size(); ++i) {
    const std::string& piece = pieces[i];
    result += kFraction;
    if (piece.starts_with('{')) {
      result += piece;
      continue;
    }
    if (num_code_points(piece) < 2) {
      return text;
    }
    const size_t above = code_point_at(piece, 0).num_bytes;
    const size_t below = code_point_at(piece, above).num_bytes;
    result += "{" + piece.substr(0, above) + "}";
    result += piece[above] == '{'
                  ? piece.substr(above)
                  : "{" + piece.substr(above, below) + "}" + piece.substr(above + below);
  }
  return result;
}

// Whether `text` is how Python writes an int: "-12", not "+1", "01" or "-0".
bool is_canonical_int(std::string_view text) {
  const std::string_view digits = text.starts_with('-') ? text.substr(1) : text;
  const bool is_number =
      !digits.empty() && std::all_of(digits.begin(), digits.end(),
                                     [](char byte) { return byte >= '0' && byte <= '9'; });
  return is_number && (digits == "0" ? text == "0" : digits.front() != '0');
}

// "1/2" as "\frac{1}{2}"; none where a side is no whole number to Python.
std::optional<std::string> fraction_of_slash(const std::string& text) {
  const std::vector<std::string> sides = split(text, "/");
  if (sides.size() != 2) {
    return text;
  }
  if (!python_int(sides[0]) || !python_int(sides[1])) {
    return std::nullopt;
  }
  return is_canonical_int(sides[0]) && is_canonical_int(sides[1])
             ? "\\frac{" + sides[0] + "}{" + sides[1] + "}"
             : text;
}

// "x = 5" as " 5".
std::string right_of_equals(std::string text) {
  const std::vector<std::string> sides = split(text, "=");
  return sides.size() == 2 && num_code_points(sides[0]) <= 2 ? sides[1] : text;
}

std::string without_units(std::string text) {
  static const PythonRegex kUnits = line_pattern(R"(\\text{.*?}$)");
  const std::string kept(python_strip(kUnits.replace_all(text, "")));
  return kept.empty() ? text : kept;
}

std::string with_backslash_infinity(std::string text) {
  if (text.find("\\infty") == std::string::npos) {
    text = python_replace(std::move(text), "inf", "\\infty");
  }
  return python_replace(std::move(text), "+\\inity", "\\infty");
}

// Version 1's own handling of roots; none where Python raises an IndexError.
std::optional<std::string> brace_roots_v1(const std::string& text) {
  const std::vector<std::string> pieces = split(text, "\\sqrt");
  std::string result = pieces.front();
  for (size_t i = 1; i < pieces.size(); ++i) {
    if (pieces[i].empty()) {
      return std::nullopt;
    }
    const size_t first = code_point_at(pieces[i], 0).num_bytes;
    result += pieces[i].front() == '{'
                  ? "\\sqrt" + pieces[i]
                  : "\\sqrt{" + pieces[i].substr(0, first) + "}" + pieces[i].substr(first);
  }
  return result;
}

std::optional<std::string> strip_math_answer_v1(std::string_view answer) {
  std::string text = replace_in_order(std::string(answer), kStrippedInVersion1);
  const std::vector<std::string> units = split(text, "\\text{ ");
  if (units.size() > 2) {
    return std::nullopt;
  }
  text = python_replace(units.front(), "\\%", "");
  text = python_replace(python_replace(std::move(text), " .", " 0."), "{.", "{0.");
  if (text.empty()) {
    return text;
  }
  text = right_of_equals(text.starts_with('.') ? "0" + text : text);
  const std::optional<std::string> braced = brace_roots_v1(text);
  if (!braced) {
    return std::nullopt;
  }
  text = brace_fractions(python_replace(*braced, " ", ""));
  return fraction_of_slash(text == "0.5" ? "\\frac{1}{2}" : text);
}

using Strip = std::optional<std::string> (*)(std::string_view answer);

bool is_equal_by(Strip strip, std::string_view answer, std::string_view reference) {
  const std::optional<std::string> one = strip(answer);
  const std::optional<std::string> other = strip(reference);
  if (one && other &&
      (*one == *other || normalize_math_answer(*one) == normalize_math_answer(*other))) {
    return true;
  }
  return normalize_math_answer(answer) == normalize_math_answer(reference) || answer == reference;
}

// The first sentence that says what the answer is, else the first sentence; a decimal point ends
// one.
Extraction read_sentence(std::string_view response) {
  static const PythonRegex kSaysSo = line_pattern("final answer|answer is");
  const std::vector<std::string> sentences = split(response, ".");
  for (const std::string& sentence : sentences) {
    if (kSaysSo.search(python_lower(sentence))) {
      Extraction found{.text = normalize_math_answer(sentence), .is_found = false};
      found.is_found = !found.text.empty();
      return found;
    }
  }
  return {.text = normalize_math_answer(sentences.front()), .is_found = false};
}

// "{5}" as "5".
std::string without_outer_braces(const std::string& text) {
  static const PythonRegex kBraced = line_pattern(R"(^\{(.*)\}$)");
  const std::optional<PythonRegex::Match> match = kBraced.search(text);
  return match ? std::string(*match->groups.at(1)) : text;
}

}  // namespace

std::optional<std::string> last_boxed(std::string_view text) {
  size_t begin = text.rfind("\\boxed");
  if (begin == std::string_view::npos) {
    begin = text.rfind("\\fbox");
  }
  if (begin == std::string_view::npos) {
    return std::nullopt;
  }
  int64_t depth = 0;
  for (size_t i = begin; i < text.size(); ++i) {
    depth += text[i] == '{' ? 1 : text[i] == '}' ? -1 : 0;
    if (text[i] == '}' && depth == 0) {
      const std::string_view box = text.substr(begin, i + 1 - begin);
      return box.starts_with(kBoxed) ? std::optional(std::string(box.substr(
                                           kBoxed.size(), box.size() - kBoxed.size() - 1)))
                                     : std::nullopt;
    }
  }
  return std::nullopt;
}

std::string normalize_math_answer(std::string_view answer) {
  static const PythonRegex kBareFraction = line_pattern("(frac)([^{])(.)");
  static const PythonRegex kBareRoot = line_pattern("(sqrt)([^{])");
  std::string text = replace_in_order(std::string(answer), kSubstitutions);
  for (const std::string_view removed : kRemoved) {
    text = python_replace(std::move(text), removed, "");
  }
  text = std::string(python_strip(take_last_statement(unwrap(std::move(text)))));
  if (text.find("rac") != std::string::npos && text.find(kFraction) == std::string::npos) {
    text = python_replace(std::move(text), "rac", kFraction);
  }
  text = kBareFraction.replace_all(text, "frac{\\2}{\\3}");
  text = kBareRoot.replace_all(text, "sqrt{\\2}");
  text = python_replace(std::move(text), "$", "");
  const std::string without_commas = python_replace(text, ",", "");
  return are_digits(without_commas) ? without_commas : text;
}

std::optional<std::string> strip_math_answer(std::string_view answer) {
  static const PythonRegex kBox = line_pattern(R"(\\mbox{.*?})");
  static const PythonRegex kZerosInside = line_pattern(R"((\d+)\.0+([^\d]))");
  static const PythonRegex kZerosAtEnd = line_pattern(R"((\d+)\.0+$)");
  static const PythonRegex kRoot = line_pattern(R"(\\sqrt(\w+))");
  std::string text = python_replace(std::string(python_strip(answer)), "\n", "");
  text.erase(text.find_last_not_of('.') + 1);
  text = replace_in_order(without_units(replace_in_order(std::move(text), kStrippedFirst)),
                          kStrippedThen);
  text = with_backslash_infinity(std::move(text));
  text = python_replace(python_replace(std::move(text), "and", ""), "\\mathbf", "");
  text = kBox.replace_all(text, "");
  if (text.find('j') != std::string::npos && text.find('i') == std::string::npos) {
    std::replace(text.begin(), text.end(), 'j', 'i');
  }
  text = kZerosAtEnd.replace_all(kZerosInside.replace_all(text, "\\1\\2"), "\\1");
  if (text.empty()) {
    return text;
  }
  text = right_of_equals(text.starts_with('.') ? "0" + text : text);
  text = python_replace(kRoot.replace_all(text, "\\sqrt{\\1}"), " ", "");
  return fraction_of_slash(brace_fractions(text));
}

bool is_math_answer_equal(std::string_view answer, std::string_view reference) {
  return is_equal_by(strip_math_answer, answer, reference);
}

bool is_math_answer_equal_v1(std::string_view answer, std::string_view reference) {
  return is_equal_by(strip_math_answer_v1, answer, reference);
}

// The reference of MATH: what the solution's last box holds.
Extractor make_boxed(const std::string& /*argument*/) {
  return [](std::string_view solution) -> Extraction {
    const std::optional<std::string> boxed = last_boxed(solution);
    return {.text = boxed.value_or(""), .is_found = boxed.has_value()};
  };
}

// OpenCompass 0.3.9's math_postprocess_v2: the last box as it is, less a second pair of braces,
// else the sentence that says what the answer is.
Extractor make_math_answer(const std::string& /*argument*/) {
  return [](std::string_view response) -> Extraction {
    const std::string boxed = without_outer_braces(last_boxed(response).value_or(""));
    return boxed.empty() ? read_sentence(response) : Extraction{.text = boxed, .is_found = true};
  };
}

// OpenCompass 0.3.9's math_postprocess, which knows no boxes.
Extractor make_math_sentence(const std::string& /*argument*/) {
  return read_sentence;
}

}  // namespace sft
