#include "sft/tasks/math_equivalence.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <string>
#include <utility>
#include <vector>

#include "tasks/math_expression.h"

#include "sft/tasks/decimal.h"
#include "sft/tasks/python_regex.h"
#include "sft/tasks/python_text.h"

namespace sft {
namespace {

using Replacement = std::pair<std::string_view, std::string_view>;

constexpr size_t kLongestFormula = 2000;
constexpr int kDeepest = 8;
constexpr double kRelativeError = 1e-9;
constexpr double kAbsoluteError = 1e-13;
constexpr uint64_t kSeeds[] = {1, 2, 3};

// Marks that change nothing, and other spellings. Commands come before their beginnings, the end of
// a matrix's row before the space that a backslash makes.
constexpr Replacement kSpellings[] = {{"\n", " "},
                                      {"\t", " "},
                                      {"\\\\", "\\cr "},
                                      {"{,}", ""},
                                      {",\\!", ""},
                                      {"\\!", ""},
                                      {"\\,", " "},
                                      {"\\;", " "},
                                      {"\\:", " "},
                                      {"\\ ", " "},
                                      {"~", " "},
                                      {"\\quad", " "},
                                      {"\\qquad", " "},
                                      {"\\displaystyle", ""},
                                      {"\\left", ""},
                                      {"\\right", ""},
                                      {"\\bigl", ""},
                                      {"\\bigr", ""},
                                      {"\\Bigl", ""},
                                      {"\\Bigr", ""},
                                      {"\\big", ""},
                                      {"\\dfrac", "\\frac"},
                                      {"\\tfrac", "\\frac"},
                                      {"\\cfrac", "\\frac"},
                                      {"\\dbinom", "\\binom"},
                                      {"\\^\\circ", ""},
                                      {"^{\\circ}", ""},
                                      {"^\\circ", ""},
                                      {"\\degree", ""},
                                      {"\u00b0", ""},
                                      {"\\$", ""},
                                      {"$", ""},
                                      {"\\%", ""},
                                      {"%", ""},
                                      {"\u2212", "-"},
                                      {"\u00d7", "*"},
                                      {"\u00b7", "*"},
                                      {"\u03c0", "\\pi "},
                                      {"\u221a", "\\sqrt"},
                                      {"\u221e", "\\infty "},
                                      {"\\infinity", "\\infty"},
                                      {"\\leq", "\u2264"},
                                      {"\\le", "\u2264"},
                                      {"\\geq", "\u2265"},
                                      {"\\ge", "\u2265"},
                                      {"\\lt", "<"},
                                      {"\\gt", ">"},
                                      {"\\neq", "\u2260"},
                                      {"\\ne ", "\u2260"},
                                      {"\\lbrace", "\\{"},
                                      {"\\rbrace", "\\}"},
                                      {"\\lvert", "|"},
                                      {"\\rvert", "|"},
                                      {"\\vert", "|"},
                                      {"\\ldots", "..."},
                                      {"\\dots", "..."},
                                      {"\\cdots", "..."},
                                      {"\\mid", "|"},
                                      {"\\colon", ":"},
                                      {"^{\\prime}", "'"},
                                      {"\\prime", "'"}};

// "\text{ cm}" behind a formula is a unit; "\text{east}" alone is the answer.
std::string unwrap_texts(std::string text) {
  static const PythonRegex kList(
      R"(\\(?:text|mbox|textrm|mathrm)\{\s*(?:and|or)\s*\}|\s(?:and|or)\s)");
  static const PythonRegex kUnit(
      R"(\s*\\(?:text|mbox|textrm|mathrm|textbf)\{[^{}]*\}(?:\^\{?\d\}?)?\s*\.?$)");
  static const PythonRegex kText(
      R"(\\(?:text|mbox|textrm|textbf|textit|mathrm|mathbf|mathbb|mathcal|operatorname\*?)\{([^{}]*)\})");
  text = kList.replace_all(text, ", ");
  const std::string without(python_strip(kUnit.replace_all(text, "")));
  return kText.replace_all(without.empty() ? text : without, "\\1");
}

std::string clean(std::string_view answer) {
  static const PythonRegex kBlanks(R"(\s+)");
  static const PythonRegex kUnits(R"(^(-?[\d,.]*\d)\s+[A-Za-z]{2,}[A-Za-z .]*$)");
  static const PythonRegex kMembership(R"(^\s*[A-Za-z]\s*\\in\b)");
  static const PythonRegex kThousands(R"(^(-?\d{1,3}(?:,\d{3})+(?:\.\d+)?)$)");
  static const PythonRegex kBase(R"((\d)_\{(\w+)\})");  // of a numeral: 12_{8} is 12_8
  std::string text(answer);
  for (const auto& [from, to] : kSpellings) {
    text = python_replace(std::move(text), from, to);
  }
  text = kMembership.replace_all(unwrap_texts(std::move(text)), "");
  text = kBase.replace_all(text, "\\1_\\2");
  text = std::string(python_strip(kBlanks.replace_all(text, " ")));
  while (text.ends_with('.') && !text.ends_with("..")) {
    text.pop_back();
  }
  text = std::string(python_strip(kUnits.replace_all(text, "\\1")));
  return kThousands.search(text) ? python_replace(std::move(text), ",", "") : text;
}

std::string without_blanks(std::string text) {
  std::erase(text, ' ');
  return text;
}

int bracket_step(char byte) {
  return byte == '(' || byte == '[' || byte == '{'   ? 1
         : byte == ')' || byte == ']' || byte == '}' ? -1
                                                     : 0;
}

// The pieces between separators that stand in no brackets; "," also ends a piece at depth 0 only.
std::vector<std::string> split_outside(const std::string& text, std::string_view separator) {
  std::vector<std::string> pieces(1);
  int depth = 0;
  for (size_t i = 0; i < text.size();) {
    depth += bracket_step(text[i]);
    if (depth == 0 && text.compare(i, separator.size(), separator) == 0) {
      pieces.emplace_back();
      i += separator.size();
    } else {
      pieces.back() += text[i++];
    }
  }
  return pieces;
}

// A text in brackets as a whole: "(1, 2]" or "\{3\}".
struct Bracketed {
  std::string open;
  std::string inside;
  std::string close;
};

std::optional<Bracketed> strip_brackets(const std::string& text) {
  for (const std::string open : {"\\{", "(", "[", "{"}) {
    if (!text.starts_with(open)) {
      continue;
    }
    int depth = 0;
    for (size_t i = 0; i < text.size(); ++i) {
      depth += bracket_step(text[i]);
      if (depth == 0 && i >= open.size()) {
        if (i + 1 != text.size()) {
          return std::nullopt;
        }
        const size_t close = text[i - 1] == '\\' ? i - 1 : i;
        return Bracketed{.open = open,
                         .inside = text.substr(open.size(), close - open.size()),
                         .close = text.substr(close)};
      }
    }
  }
  return std::nullopt;
}

bool is_text(const std::string& text) {
  static const PythonRegex kWord(R"((?<![\\A-Za-z])[A-Za-z]{4,})");
  return kWord.search(text).has_value();
}

bool are_values_equal(const std::complex<double>& one, const std::complex<double>& other) {
  const double difference = std::abs(one - other);
  return difference <= kAbsoluteError ||
         difference <= kRelativeError * std::max(std::abs(one), std::abs(other));
}

bool are_formulas_equal(const std::string& one, const std::string& other) {
  if (one.size() > kLongestFormula || other.size() > kLongestFormula || is_text(one) ||
      is_text(other)) {
    return false;
  }
  if (is_decimal_number(one) && is_decimal_number(other)) {
    return canonical_decimal(one) == canonical_decimal(other);
  }
  return std::all_of(std::begin(kSeeds), std::end(kSeeds), [&](uint64_t seed) {
    const std::optional<std::complex<double>> left = evaluate_latex(one, seed);
    const std::optional<std::complex<double>> right = evaluate_latex(other, seed);
    return left && right && are_values_equal(*left, *right);
  });
}

bool are_equal(const std::string& one, const std::string& other, int depth);

bool are_equal_in_order(const std::vector<std::string>& ones,
                        const std::vector<std::string>& others, int depth) {
  return ones.size() == others.size() &&
         std::equal(ones.begin(), ones.end(), others.begin(),
                    [depth](const std::string& one, const std::string& other) {
                      return are_equal(one, other, depth);
                    });
}

bool are_equal_in_any_order(const std::vector<std::string>& ones, std::vector<std::string> others,
                            int depth) {
  if (ones.size() != others.size()) {
    return false;
  }
  for (const std::string& one : ones) {
    const auto found = std::find_if(
        others.begin(), others.end(),
        [&one, depth](const std::string& other) { return are_equal(one, other, depth); });
    if (found == others.end()) {
      return false;
    }
    others.erase(found);
  }
  return true;
}

// "2 \pm 3" as the list of both.
std::vector<std::string> members(const std::string& text) {
  std::vector<std::string> result;
  for (const std::string& piece : split_outside(text, ",")) {
    if (piece.find("\\pm") == std::string::npos) {
      result.push_back(piece);
    } else {
      result.push_back(python_replace(piece, "\\pm", "+"));
      result.push_back(python_replace(piece, "\\pm", "-"));
    }
  }
  return result;
}

// Rows of a matrix, each a list in brackets.
std::optional<std::string> matrix_text(const std::string& text) {
  static const PythonRegex kMatrix(
      R"(^\\begin\s?\{[pbvBV]?matrix\}(.*)\\end\s?\{[pbvBV]?matrix\}$)");
  const std::optional<PythonRegex::Match> match = kMatrix.search(text);
  if (!match) {
    return std::nullopt;
  }
  std::string rows(python_strip(*match->groups.at(1)));
  constexpr std::string_view kRowEnd = "\\cr";
  if (rows.ends_with(kRowEnd)) {
    rows.resize(rows.size() - kRowEnd.size());
  }
  return "((" + python_replace(python_replace(std::move(rows), kRowEnd, "),("), "&", ",") + "))";
}

// Relations that hold between neighbours, as in "1 < x \le 2".
struct Chain {
  std::vector<std::string> sides;
  std::vector<std::string> relations;
};

Chain split_relations(const std::string& text) {
  static const PythonRegex kRelation("=|<|>|\u2264|\u2265|\u2260|:");
  Chain chain;
  size_t begin = 0;
  for (const PythonRegex::Match& match : kRelation.find_all(text)) {
    chain.sides.push_back(text.substr(begin, match.begin - begin));
    chain.relations.emplace_back(*match.groups.at(0));
    begin = match.end;
  }
  chain.sides.push_back(text.substr(begin));
  return chain;
}

Chain reversed(Chain chain) {
  constexpr Replacement kMirrored[] = {
      {"<", ">"}, {">", "<"}, {"\u2264", "\u2265"}, {"\u2265", "\u2264"}};
  std::reverse(chain.sides.begin(), chain.sides.end());
  std::reverse(chain.relations.begin(), chain.relations.end());
  for (std::string& relation : chain.relations) {
    for (const auto& [from, to] : kMirrored) {
      if (relation == from) {
        relation = to;
        break;
      }
    }
  }
  return chain;
}

bool is_name(const std::string& text) {
  static const PythonRegex kName(R"(^\s*\\?[A-Za-z]+(?:_\{?\w+\}?)?(?:\([A-Za-z, ]*\))?\s*$)");
  return kName.search(text).has_value();
}

// Two equations say the same where one's difference of sides is a constant multiple of the other's.
bool are_equations_equal(const Chain& one, const Chain& other) {
  std::optional<std::complex<double>> ratio;
  for (const uint64_t seed : kSeeds) {
    std::complex<double> differences[2];
    for (const auto& [chain, difference] :
         {std::pair(&one, &differences[0]), std::pair(&other, &differences[1])}) {
      const auto left = evaluate_latex(chain->sides[0], seed);
      const auto right = evaluate_latex(chain->sides[1], seed);
      if (!left || !right) {
        return false;
      }
      *difference = *left - *right;
    }
    if (std::abs(differences[1]) < kAbsoluteError || std::abs(differences[0]) < kAbsoluteError) {
      return false;
    }
    const std::complex<double> here = differences[0] / differences[1];
    if (ratio && !are_values_equal(*ratio, here)) {
      return false;
    }
    ratio = here;
  }
  return true;
}

bool are_chains_equal(Chain one, Chain other, int depth) {
  const auto is_definition = [](const Chain& chain) {
    return chain.relations == std::vector<std::string>{"="} && is_name(chain.sides[0]);
  };
  if (one.relations.empty() != other.relations.empty()) {
    const Chain& longer = one.relations.empty() ? other : one;
    const Chain& shorter = one.relations.empty() ? one : other;
    return is_definition(longer) && are_equal(longer.sides[1], shorter.sides[0], depth);
  }
  const auto are_same = [depth](const Chain& left, const Chain& right) {
    return left.relations == right.relations && are_equal_in_order(left.sides, right.sides, depth);
  };
  if (are_same(one, other) || are_same(one, reversed(other))) {
    return true;
  }
  const std::vector<std::string> equation = {"="};
  return one.relations == equation && other.relations == equation &&
         !is_text(one.sides[0] + one.sides[1]) && are_equations_equal(one, other);
}

// Unions, lists, brackets, relations, formulas: the first that either text is decides.
bool are_equal(const std::string& one, const std::string& other, int depth) {
  const std::string left(python_strip(one));
  const std::string right(python_strip(other));
  if (without_blanks(left) == without_blanks(right)) {
    return true;
  }
  if (depth > kDeepest || left.empty() || right.empty()) {
    return false;
  }
  const auto lefts = split_outside(left, "\\cup");
  const auto rights = split_outside(right, "\\cup");
  if (lefts.size() > 1 || rights.size() > 1) {
    return are_equal_in_any_order(lefts, rights, depth + 1);
  }
  if (matrix_text(left) && matrix_text(right)) {
    return are_equal(*matrix_text(left), *matrix_text(right), depth + 1);
  }
  const std::vector<std::string> left_members = members(left);
  const std::vector<std::string> right_members = members(right);
  if (left_members.size() > 1 || right_members.size() > 1) {
    return are_equal_in_any_order(left_members, right_members, depth + 1);
  }
  const std::optional<Bracketed> left_inside = strip_brackets(left);
  const std::optional<Bracketed> right_inside = strip_brackets(right);
  const bool is_set =
      left_inside && right_inside && left_inside->open == "\\{" && right_inside->open == "\\{";
  if (is_set) {
    return are_equal_in_any_order(members(left_inside->inside), members(right_inside->inside),
                                  depth + 1);
  }
  const auto is_tuple = [](const std::optional<Bracketed>& brackets) {
    return brackets && brackets->open != "{" && split_outside(brackets->inside, ",").size() > 1;
  };
  if (is_tuple(left_inside) || is_tuple(right_inside)) {
    return left_inside && right_inside && left_inside->open == right_inside->open &&
           left_inside->close == right_inside->close &&
           are_equal_in_order(split_outside(left_inside->inside, ","),
                              split_outside(right_inside->inside, ","), depth + 1);
  }
  const Chain left_chain = split_relations(left);
  const Chain right_chain = split_relations(right);
  if (!left_chain.relations.empty() || !right_chain.relations.empty()) {
    return are_chains_equal(left_chain, right_chain, depth + 1);
  }
  const auto lower = [](const std::string& text) { return python_lower(without_blanks(text)); };
  return are_formulas_equal(left, right) || (is_text(left) && lower(left) == lower(right));
}

}  // namespace

bool are_math_answers_equal(std::string_view one, std::string_view other) {
  return are_equal(clean(one), clean(other), 0);
}

}  // namespace sft
