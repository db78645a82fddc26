// Rules that read a program.

#include <array>
#include <memory>
#include <vector>

#include "tasks/rules.h"

#include "sft/tasks/python_regex.h"
#include "sft/tasks/python_text.h"

namespace sft {
namespace {

// Where OpenCompass 0.3.9 looks for MBPP's program, in its order.
constexpr std::string_view kMbppPatterns[] = {
    R"(\[BEGIN\]\s*'(.*)'\s*\[DONE\])",
    R"(BEGIN\s*'(.*)'\s*\[DONE\])",
    R"(\[BEGIN\]\s*'(.*)'\s*DONE)",
    R"(BEGIN\s*'(.*)'\s*DONE)",
    R"(\[BEGIN\]\s*'(.*)\s*\[DONE\])",
    R"(BEGIN\s*'(.*)\s*\[DONE\])",
    R"(\[BEGIN\]\s*'(.*)\s*DONE)",
    R"(BEGIN\s*'(.*)\s*DONE)",
    R"(\[BEGIN\]\s*(.*)\s*\[DONE\])",
    R"(BEGIN\s*(.*)\s*\[DONE\])",
    R"(\[BEGIN\]\s*(.*)\s*DONE)",
    R"(BEGIN\s*(.*)\s*DONE)",
    R"(```python\s*(.*)\s*```)",
    R"(```\s*(.*)\s*```)",
    R"(```python\s*(.*)\s*$)",
    R"(```\s*(.*)\s*$)",
    R"((.*)\s*```.*)",
    R"(\[BEGIN\]\s*'(.*))",
    R"(\[BEGIN\](.*))",
    R"('(.*)'\s*\[DONE\])",
};

struct MbppRules {
  std::vector<PythonRegex> places;
  PythonRegex done = PythonRegex(R"('?\s*\[?DONE\]?)");
};

Extraction program(std::string text) {
  const bool is_found = !python_strip(text).empty();
  return {.text = std::move(text), .is_found = is_found};
}

}  // namespace

// OpenCompass 0.3.9: the first pattern that matches, then what precedes a fence and "DONE".
Extractor make_mbpp_code(const std::string& /*argument*/) {
  auto rules = std::make_shared<MbppRules>();
  for (const std::string_view pattern : kMbppPatterns) {
    rules->places.emplace_back(pattern);
  }
  return [rules = std::shared_ptr<const MbppRules>(rules)](std::string_view response) {
    std::string_view text = response;
    for (const PythonRegex& place : rules->places) {
      if (const std::optional<PythonRegex::Match> match = place.search(response)) {
        text = match->groups.at(1).value_or("");
        break;
      }
    }
    text = text.substr(0, std::min(text.find("```"), text.size()));
    if (const std::optional<PythonRegex::Match> end = rules->done.search(text)) {
      text = text.substr(0, end->begin);
    }
    return program(std::string(python_strip(python_replace(std::string(text), "\\_", "_"))));
  };
}

// OpenCompass 0.3.9: the inside of the first fenced block, else the response as it is, leading
// blanks kept.
Extractor make_fenced_code(const std::string& /*argument*/) {
  const auto block = std::make_shared<const PythonRegex>(R"(```\w*\n(.*?)```)");
  return [block](std::string_view response) {
    const std::optional<PythonRegex::Match> match = block->search(response);
    return program(std::string(match ? *match->groups.at(1) : response));
  };
}

// Our strict reading of a function's body: a fenced block, else the response up to the first line
// that leaves the function, where HumanEval's authors stopped generation.
Extractor make_function_body(const std::string& argument) {
  return [fenced = make_fenced_code(argument)](std::string_view response) {
    constexpr std::string_view kStops[] = {"\nclass", "\ndef", "\n#", "\nif", "\nprint", "\n```"};
    Extraction found = fenced(response);
    if (found.text != response) {
      return found;
    }
    size_t end = response.size();
    for (const std::string_view stop : kStops) {
      end = std::min(end, response.find(stop));
    }
    return program(std::string(response.substr(0, end)));
  };
}

}  // namespace sft
