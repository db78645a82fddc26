// Rules that read the number a response arrives at.

#include <algorithm>
#include <memory>

#include "tasks/rules.h"

#include "sft/tasks/python_regex.h"
#include "sft/tasks/python_text.h"

namespace sft {
namespace {

constexpr std::string_view kBoxed = "\\boxed{";
constexpr std::string_view kGoldMark = "#### ";
constexpr char32_t kMinusSign = 0x2212;

// What precedes the next question that a model invents when it runs on.
std::string_view before_next_question(std::string_view response) {
  return response.substr(0, std::min(response.find("Question:"), response.size()));
}

std::string_view last_group(const PythonRegex& pattern, std::string_view text) {
  const std::vector<PythonRegex::Match> matches = pattern.find_all(text);
  return matches.empty() ? std::string_view() : *matches.back().groups.at(0);
}

// The inside of the last \boxed{...}, braces counted; "" where there is none or it never ends.
std::string_view last_boxed_inside(std::string_view text) {
  const size_t found = text.rfind(kBoxed);
  if (found == std::string_view::npos) {
    return {};
  }
  const size_t begin = found + kBoxed.size();
  int depth = 1;
  for (size_t i = begin; i < text.size(); ++i) {
    depth += text[i] == '{' ? 1 : text[i] == '}' ? -1 : 0;
    if (depth == 0) {
      return text.substr(begin, i - begin);
    }
  }
  return {};
}

// "$-1,234.50" as "-1234.50".
std::string plain_number(std::string_view text) {
  std::string plain;
  const std::string digits = with_ascii_digits(text);
  for (size_t i = 0; i < digits.size();) {
    const CodePoint point = code_point_at(digits, i);
    if (point.value == kMinusSign) {
      plain += '-';
    } else if (point.value != ',' && point.value != '$') {
      plain += digits[i];
    }
    i += point.num_bytes;
  }
  return plain;
}

}  // namespace

// The reference of GSM8K: what stands behind the first "#### " (and before a second), commas out.
Extractor make_gsm8k_gold(const std::string& /*argument*/) {
  return [](std::string_view answer) -> Extraction {
    const size_t found = answer.find(kGoldMark);
    if (found == std::string_view::npos) {
      return {};
    }
    std::string_view gold = answer.substr(found + kGoldMark.size());
    gold = gold.substr(0, std::min(gold.find(kGoldMark), gold.size()));
    Extraction result{.text = std::string(gold), .is_found = true};
    std::erase(result.text, ',');
    return result;
  };
}

// OpenCompass 0.3.9: the last number before the first "Question:", or "NULL". A comma ends a
// number, a hyphen directly before one is its sign.
Extractor make_gsm8k_number(const std::string& /*argument*/) {
  const auto number = std::make_shared<const PythonRegex>(R"(\-?\d+\.\d+|\-?\d+)");
  return [number](std::string_view response) -> Extraction {
    const std::string_view last = last_group(*number, before_next_question(response));
    if (last.empty()) {
      return {.text = "NULL", .is_found = false};
    }
    return {.text = std::string(last), .is_found = true};
  };
}

// Our strict reading of MATH: the inside of the last \\boxed{}, else the formula between dollars
// that follows the last "answer is", else the last number (before the next "Question:").
Extractor make_final_math(const std::string& /*argument*/) {
  const auto formula =
      std::make_shared<const PythonRegex>(R"((?:\$|\\\(|\\\[)(.*?)(?:\$|\\\)|\\\]))");
  return [formula, number = make_final_number("")](std::string_view response) -> Extraction {
    const std::string_view text = before_next_question(response);
    if (const std::string_view boxed = last_boxed_inside(text); !python_strip(boxed).empty()) {
      return {.text = std::string(python_strip(boxed)), .is_found = true};
    }
    if (const size_t said = text.rfind("answer is"); said != std::string_view::npos) {
      if (const auto match = formula->search(text.substr(said))) {
        return {.text = std::string(*match->groups.at(1)), .is_found = true};
      }
    }
    return number(text);
  };
}

// Our strict reading: the last number inside the last \boxed{}, else the last of the response (both
// before the next "Question:"). Commas between groups of three digits belong to the number, a
// hyphen is a sign only where no word, digit or bracket ends before it.
Extractor make_final_number(const std::string& /*argument*/) {
  const auto number = std::make_shared<const PythonRegex>(
      "(?:(?<![\\w)\\].])[-\u2212]\\$?|\\$[-\u2212])?"
      R"((?:\d{1,3}(?:,\d{3})+(?!\d)(?:\.\d+)?|\d+(?:\.\d+)?|(?<!\d)\.\d+))");
  return [number](std::string_view response) -> Extraction {
    const std::string_view text = before_next_question(response);
    std::string_view last = last_group(*number, last_boxed_inside(text));
    if (last.empty()) {
      last = last_group(*number, text);
    }
    return {.text = plain_number(last), .is_found = !last.empty()};
  };
}

}  // namespace sft
