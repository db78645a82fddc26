// Rules that read the letter of a choice.

#include <array>
#include <memory>
#include <vector>

#include "tasks/rules.h"

#include "sft/tasks/python_regex.h"
#include "sft/tasks/python_text.h"

namespace sft {
namespace {

// The patterns of OpenCompass 0.3.9's first_option_postprocess with its two last, permissive ones,
// in its order; X stands for one of the options. The 14th holds two that a missing comma of the
// original made one.
constexpr std::array<std::string_view, 52> kFirstOptionPatterns = {
    R"(答案是?\s*(X))",
    R"(答案是?\s*：\s*(X))",
    R"(答案是?\s*:\s*(X))",
    R"(答案选项应?该?是\s*(X))",
    R"(答案选项应?该?为\s*(X))",
    R"(答案应该?是\s*(X))",
    R"(答案应该?选\s*(X))",
    R"(答案选项为?\s*：\s*(X))",
    R"(答案选项为?\s+\(?\*?\*?(X)\*?\*?\)?)",
    R"(答案选项是?\s*:\s*(X))",
    R"(答案为\s*(X))",
    R"(答案选\s*(X))",
    R"(选择?\s*(X))",
    R"(故选?\s*(X)只有选?项?\s?(X)\s?是?对)",
    R"(只有选?项?\s?(X)\s?是?错)",
    R"(只有选?项?\s?(X)\s?不?正确)",
    R"(只有选?项?\s?(X)\s?错误)",
    R"(说法不?对选?项?的?是\s?(X))",
    R"(说法不?正确选?项?的?是\s?(X))",
    R"(说法错误选?项?的?是\s?(X))",
    R"((X)\s?是正确的)",
    R"((X)\s?是正确答案)",
    R"(选项\s?(X)\s?正确)",
    R"(所以答\s?(X))",
    R"(所以\s?(X[.。$]?$))",
    R"(所有\s?(X[.。$]?$))",
    R"([\s，：:,](X)[。，,\.]?$)",
    R"([\s，,：:][故即](X)[。\.]?$)",
    R"([\s，,：:]因此(X)[。\.]?$)",
    R"([是为。]\s?(X)[。\.]?$)",
    R"(因此\s?(X)[。\.]?$)",
    R"(显然\s?(X)[。\.]?$)",
    R"(答案是\s?(\S+)(?:。|$))",
    R"(答案应该是\s?(\S+)(?:。|$))",
    R"(答案为\s?(\S+)(?:。|$))",
    R"((?i)ANSWER\s*:\s*(X))",
    R"([Tt]he answer is:?\s+\(?(X)\)?)",
    R"([Tt]he answer is:?\s+\(?\*?\*?(X)\*?\*?\)?)",
    R"([Tt]he answer is option:?\s+\(?(X)\)?)",
    R"([Tt]he correct answer is:?\s+\(?(X)\)?)",
    R"([Tt]he correct answer is option:?\s+\(?(X)\)?)",
    R"([Tt]he correct answer is:?.*?boxed{(X)})",
    R"([Tt]he correct option is:?.*?boxed{(X)})",
    R"([Tt]he correct answer option is:?.*?boxed{(X)})",
    R"([Tt]he answer to the question is:?\s+\(?(X)\)?)",
    R"(^选项\s?(X))",
    R"(^(X)\s?选?项)",
    R"((\s|^)X[\s。，,：:\.$])",
    R"(1.\s?(.*?)$)",
    R"(1.\s?(X)[.。$]?$)",
    R"((X):)",
    R"((X))",
};

// A pattern with `X` replaced by the class of the options. No pattern has another capital X.
std::string with_options(std::string_view pattern, const std::string& options) {
  std::string result;
  for (const char byte : pattern) {
    result += byte == 'X' ? "[" + options + "]" : std::string(1, byte);
  }
  return result;
}

std::vector<PythonRegex> compile_first_option(const std::string& options) {
  std::vector<PythonRegex> patterns;
  patterns.reserve(kFirstOptionPatterns.size());
  for (const std::string_view pattern : kFirstOptionPatterns) {
    patterns.emplace_back(with_options(pattern, options));
  }
  return patterns;
}

// The first of the options, in their order and not the text's, that `text` holds.
Extraction first_contained(std::string_view text, const std::string& options) {
  for (const char option : options) {
    if (text.find(option) != std::string_view::npos) {
      return {.text = std::string(1, option), .is_found = true};
    }
  }
  return {};
}

// The part of a pattern's match that options are looked for in.
using MatchPart = std::string_view (*)(const PythonRegex::Match& match);

Extractor first_option(const std::string& options, MatchPart part) {
  const auto patterns =
      std::make_shared<const std::vector<PythonRegex>>(compile_first_option(options));
  return [patterns, options, part](std::string_view response) -> Extraction {
    const std::string_view text = python_strip(response);
    for (const PythonRegex& pattern : *patterns) {
      if (const std::optional<PythonRegex::Match> match = pattern.search(text)) {
        Extraction found = first_contained(part(*match), options);
        if (found.is_found) {
          return found;
        }
      }
    }
    return {};
  };
}

}  // namespace

// OpenCompass 0.3.9: the first pattern whose match holds an option decides; the match is its first
// group, or all of it where that is empty.
Extractor make_first_option(const std::string& options) {
  return first_option(options, [](const PythonRegex::Match& match) {
    const std::string_view group = match.groups.at(1).value_or("");
    return group.empty() ? *match.groups.at(0) : group;
  });
}

// OpenCompass up to 0.3.5: the same with the whole match in place of its group, so that "Answer:
// because" is an A.
Extractor make_first_option_whole(const std::string& options) {
  return first_option(options, [](const PythonRegex::Match& match) { return *match.groups.at(0); });
}

// OpenCompass 0.3.9: the first character that Python calls upper case, whatever it is.
Extractor make_first_capital(const std::string& /*argument*/) {
  return [](std::string_view response) -> Extraction {
    for (size_t i = 0; i < response.size();) {
      const CodePoint point = code_point_at(response, i);
      if (is_python_upper(point.value)) {
        return {.text = std::string(response.substr(i, point.num_bytes)), .is_found = true};
      }
      i += point.num_bytes;
    }
    return {};
  };
}

// Our strict reading: the response begins with an option's letter that stands for itself. It may be
// in brackets or bold, and is followed by the end of the line, by a mark (. ) : ,) and a blank, or
// by the next "#" of a template that the model runs on into. "A dog" and "Answer: B" are none.
Extractor make_option_letter(const std::string& options) {
  const auto pattern = std::make_shared<const PythonRegex>(
      with_options(R"(^\s*[(\[*]*(X)(?:[)\]*.:,]+(?:\s|#|$)|[ \t\r]*(?:\n|#|$)))", options));
  return [pattern](std::string_view response) -> Extraction {
    const std::optional<PythonRegex::Match> match = pattern->search(response);
    if (!match) {
      return {};
    }
    return {.text = std::string(*match->groups.at(1)), .is_found = true};
  };
}

}  // namespace sft
