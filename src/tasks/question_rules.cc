// Rules that read a short text: the answer to an open question.

#include <algorithm>

#include "tasks/rules.h"

#include "sft/tasks/python_regex.h"
#include "sft/tasks/python_text.h"
#include "sft/tasks/short_answer.h"

namespace sft {
namespace {

constexpr std::string_view kAnswerIs = "answer is";

}  // namespace

std::string short_answer(std::string_view text) {
  static const PythonRegex kPunctuation(R"([^\w\s])");
  static const PythonRegex kArticle(R"((?i)\b(a|an|the)\b)");
  static const PythonRegex kBlanks(R"(\s+)");
  const std::string_view first = text.substr(0, std::min(text.find_first_of("\n.,"), text.size()));
  const std::string kept =
      kBlanks.replace_all(kArticle.replace_all(kPunctuation.replace_all(first, ""), ""), " ");
  return std::string(python_strip(kept));
}

// OpenCompass 0.3.9's NQ: the first line in lower case, behind the last "answer is" of it, as a
// short answer.
Extractor make_nq_answer(const std::string& /*argument*/) {
  return [](std::string_view response) -> Extraction {
    const std::string_view text = python_strip(response);
    std::string line = python_lower(text.substr(0, std::min(text.find('\n'), text.size())));
    if (const size_t said = line.rfind(kAnswerIs); said != std::string::npos) {
      line.erase(0, said + kAnswerIs.size());
    }
    std::string answer = short_answer(line);
    const bool is_found = !answer.empty();
    return {.text = std::move(answer), .is_found = is_found};
  };
}

std::string normalized_alias(std::string_view text) {
  static const PythonRegex kPunctuation(R"([!-/:-@\[-`{-~])");
  static const PythonRegex kArticle(R"(\b(a|an|the)\b)");
  static const PythonRegex kBlanks(R"(\s+)");
  const std::string plain = kPunctuation.replace_all(python_lower(text), "");
  return std::string(python_strip(kBlanks.replace_all(kArticle.replace_all(plain, " "), " ")));
}

// TriviaQA and SQuAD: the first line that is not blank, in lower case, without punctuation and
// articles.
Extractor make_first_line(const std::string& /*argument*/) {
  return [](std::string_view response) -> Extraction {
    const std::string_view text = python_strip(response);
    std::string answer = normalized_alias(text.substr(0, std::min(text.find('\n'), text.size())));
    const bool is_found = !answer.empty();
    return {.text = std::move(answer), .is_found = is_found};
  };
}

// Any rule that a pattern can say: Python's re.search of the task's `pattern:` ("." takes no
// newline), its first group, or the whole match where it has none.
Extractor make_pattern(const std::string& argument) {
  const auto pattern = std::make_shared<const PythonRegex>(argument, PythonRegex::Dot::kNotNewline);
  return [pattern](std::string_view response) -> Extraction {
    const std::optional<PythonRegex::Match> match = pattern->search(response);
    if (!match) {
      return {};
    }
    const std::string_view group =
        match->groups.at(match->groups.size() > 1 ? 1 : 0).value_or(std::string_view());
    return {.text = std::string(group), .is_found = true};
  };
}

}  // namespace sft
