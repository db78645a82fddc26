#include "sft/data/sample_check.h"

#include <algorithm>
#include <functional>
#include <string_view>
#include <utility>

#include "sft/data/draw.h"
#include "sft/data/language.h"

namespace sft {
namespace {

constexpr size_t kMostExamples = 5;
constexpr size_t kShortestMark = 3;

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  return begin == std::string_view::npos
             ? std::string_view()
             : text.substr(begin, text.find_last_not_of(" \t\r\n") + 1 - begin);
}

// The lines of a template's own text: "###Question:", "###Answer:".
std::vector<std::string> marks_of(const Template& layout) {
  std::string text = layout.turn + "\n" + layout.separator;
  for (const std::string_view field : {"{instruction}", "{response}"}) {
    if (const size_t at = text.find(field); at != std::string::npos) {
      text.replace(at, field.size(), "\n");
    }
  }
  std::vector<std::string> marks;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string mark(trimmed(std::string_view(text).substr(begin, end - begin)));
    if (mark.size() >= kShortestMark && std::ranges::find(marks, mark) == marks.end()) {
      marks.push_back(mark);
    }
    begin = end + 1;
  }
  return marks;
}

std::string place_of(const Sample& sample) {
  return sample.dataset + ": " + sample.source;
}

}  // namespace

void Finding::add(std::string example) {
  ++count;
  if (examples.size() < kMostExamples) {
    examples.push_back(std::move(example));
  }
}

SampleCheck::SampleCheck(const Template& layout, const Tokenizer& tokenizer)
    : template_marks_(marks_of(layout)) {
  for (int32_t id = 0; id < tokenizer.vocab_size(); ++id) {
    if (tokenizer.is_special(id)) {
      if (std::string text = tokenizer.token_bytes(id); text.size() >= kShortestMark) {
        special_texts_.push_back(std::move(text));
      }
    }
  }
}

void SampleCheck::add(const Sample& sample) {
  ++samples;
  std::string all;
  for (const Turn& turn : sample.turns) {
    if (const std::string mark = found_in(turn.response, template_marks_); !mark.empty()) {
      template_in_response.add(place_of(sample) + ": '" + mark + "'");
    }
    if (const std::string mark = found_in(turn.instruction, template_marks_); !mark.empty()) {
      template_in_instruction.add(place_of(sample) + ": '" + mark + "'");
    }
    all += turn.instruction + "\n" + turn.response + "\n";
  }
  if (const std::string text = found_in(all, special_texts_); !text.empty()) {
    special_tokens.add(place_of(sample) + ": '" + text + "'");
  }
  const bool is_duplicate = without_suffix(sample.id) != sample.id;
  if (is_duplicate) {
    duplicates.add(place_of(sample));
  }
  const std::string& first = sample.turns.front().instruction;
  if (!first.empty() && !instructions_.insert(std::hash<std::string>()(first)).second &&
      !is_duplicate) {
    repeated_instructions.add(place_of(sample));
  }
  if (const std::string_view language = guess_language(all); !language.empty()) {
    languages[std::string(language)].add(place_of(sample) + ": " + std::string(language));
  }
}

Finding SampleCheck::other_languages() const {
  const auto most = std::ranges::max_element(
      languages, {}, [](const auto& language) { return language.second.count; });
  Finding others;
  for (auto language = languages.begin(); language != languages.end(); ++language) {
    if (language != most) {
      others.count += language->second.count;
      for (const std::string& example : language->second.examples) {
        if (others.examples.size() < kMostExamples) {
          others.examples.push_back(example);
        }
      }
    }
  }
  return others;
}

std::string SampleCheck::found_in(const std::string& text,
                                  const std::vector<std::string>& marks) const {
  const auto found = std::ranges::find_if(
      marks, [&](const std::string& mark) { return text.find(mark) != std::string::npos; });
  return found == marks.end() ? "" : *found;
}

}  // namespace sft
