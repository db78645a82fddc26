// What can be done to a text on its way into a column: the rows of column_rules().

#include <algorithm>
#include <array>

#include "sft/tasks/columns.h"
#include "sft/tasks/python_regex.h"
#include "sft/tasks/python_text.h"

namespace sft {
namespace {

constexpr std::string_view kColon = ": ";
constexpr char kBlank = '_';

// HellaSwag as it is published: brackets of the web pages it was taken from are left out.
std::string clean_hellaswag(const std::string& text) {
  static const PythonRegex kBrackets(R"(\[.*?\])", PythonRegex::Dot::kNotNewline);
  const std::string titled = python_replace(std::string(python_strip(text)), " [title]", ". ");
  return python_replace(kBrackets.replace_all(titled, ""), "  ", " ");
}

// What follows the first ": "; the whole text where there is none.
std::string after_colon(const std::string& text) {
  const size_t colon = text.find(kColon);
  return colon == std::string::npos ? text : text.substr(colon + kColon.size());
}

// What stands in front of a sentence's gap, and behind it without blanks around.
std::string before_gap(const std::string& text) {
  return text.substr(0, std::min(text.find(kBlank), text.size()));
}
std::string after_gap(const std::string& text) {
  const size_t gap = text.find(kBlank);
  return std::string(python_strip(gap == std::string::npos ? "" : text.substr(gap + 1)));
}

// "title -- passage", as SuperGLUE has BoolQ's.
constexpr std::string_view kDashes = " -- ";

std::string before_dashes(const std::string& text) {
  const size_t dashes = text.find(kDashes);
  return dashes == std::string::npos ? "" : text.substr(0, dashes);
}
std::string after_dashes(const std::string& text) {
  const size_t dashes = text.find(kDashes);
  return dashes == std::string::npos ? text : text.substr(dashes + kDashes.size());
}

constexpr std::array kRules = {
    ColumnRule{.name = "capitalize", .apply = python_capitalize},
    ColumnRule{.name = "clean_hellaswag", .apply = clean_hellaswag},
    ColumnRule{.name = "after_colon", .apply = after_colon},
    ColumnRule{.name = "before_gap", .apply = before_gap},
    ColumnRule{.name = "after_gap", .apply = after_gap},
    ColumnRule{.name = "before_dashes", .apply = before_dashes},
    ColumnRule{.name = "after_dashes", .apply = after_dashes},
};

}  // namespace

std::span<const ColumnRule> column_rules() {
  return kRules;
}

}  // namespace sft
