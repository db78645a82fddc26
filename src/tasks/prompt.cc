#include "sft/tasks/prompt.h"

#include <string_view>

#include "sft/core/error.h"

namespace sft {
namespace {

constexpr std::string_view kInstruction = "{instruction}";
constexpr std::string_view kResponse = "{response}";

std::string fill(std::string text, const Columns& columns) {
  for (const Column& column : columns) {
    const std::string place = "{" + column.name + "}";
    for (size_t at = text.find(place); at != std::string::npos;
         at = text.find(place, at + column.text.size())) {
      text.replace(at, place.size(), column.text);
    }
  }
  return text;
}

std::vector<RoundItem> fill(const std::vector<RoundItem>& items, const Columns& columns) {
  std::vector<RoundItem> filled;
  filled.reserve(items.size());
  for (const RoundItem& item : items) {
    filled.push_back(
        {.role = item.role, .text = fill(item.text, columns), .is_own_answer = item.is_own_answer});
  }
  return filled;
}

// The parts of a prompt before they are laid out: each section is a list of items.
struct Sections {
  std::vector<RoundItem> begin;
  std::vector<std::vector<RoundItem>> exemplars;
  std::vector<RoundItem> question;
};

Sections make_sections(const TaskChoice& task, const Question& question,
                       const std::vector<Columns>& exemplars) {
  Columns columns = question.columns;
  for (Column& column : columns) {
    if (column.name == task.spec.answer) {
      column.text.clear();
    }
  }
  Sections sections{.begin = fill(task.shot.begin, columns),
                    .exemplars = {},
                    .question = fill(task.shot.rounds, columns)};
  for (const Columns& exemplar : exemplars) {
    sections.exemplars.push_back(fill(task.shot.exemplars->rounds, exemplar));
  }
  return sections;
}

std::string lay_out_plain(const Sections& sections) {
  std::string prompt;
  const auto add = [&prompt](const std::vector<RoundItem>& items) {
    for (const RoundItem& item : items) {
      if (!item.text.empty()) {
        prompt += (prompt.empty() ? "" : "\n") + item.text;
      }
    }
  };
  add(sections.begin);
  for (const std::vector<RoundItem>& exemplar : sections.exemplars) {
    add(exemplar);
  }
  add(sections.question);
  return prompt;
}

struct Round {
  std::string human;
  std::string bot;
  bool is_own_answer = false;
};

// A new round starts at an item whose side is not behind the one before it.
std::vector<Round> cut_into_rounds(const std::vector<RoundItem>& items) {
  std::vector<Round> rounds;
  std::optional<Role> last;
  for (const RoundItem& item : items) {
    if (!last || item.role <= *last) {
      rounds.emplace_back();
    }
    (item.role == Role::kHuman ? rounds.back().human : rounds.back().bot) = item.text;
    rounds.back().is_own_answer = item.is_own_answer;
    last = item.role;
  }
  return rounds;
}

std::string human_part(const Round& round, const MetaTemplate& meta) {
  return meta.human_begin + round.human + meta.human_end;
}

// The model's own answer stands where it was generated.
std::string whole_round(const Round& round, const MetaTemplate& meta) {
  return human_part(round, meta) + (round.is_own_answer ? meta.generation_begin : meta.bot_begin) +
         round.bot + meta.bot_end;
}

std::string lay_out_rounds(const Sections& sections, const MetaTemplate& meta) {
  std::string prompt;
  for (const RoundItem& item : sections.begin) {
    prompt += item.role == Role::kHuman ? meta.human_begin + item.text + meta.human_end
                                        : meta.bot_begin + item.text + meta.bot_end;
  }
  for (const std::vector<RoundItem>& exemplar : sections.exemplars) {
    for (const Round& round : cut_into_rounds(exemplar)) {
      prompt += whole_round(round, meta);
    }
  }
  const std::vector<Round> rounds = cut_into_rounds(sections.question);
  SFT_CHECK(!rounds.empty());  // read_task refuses others
  for (size_t i = 0; i + 1 < rounds.size(); ++i) {
    prompt += whole_round(rounds[i], meta);
  }
  return prompt + human_part(rounds.back(), meta) + meta.generation_begin;
}

}  // namespace

MetaTemplate meta_template(const Template& layout, PromptEnd end) {
  const std::string& turn = layout.turn;
  const size_t instruction = turn.find(kInstruction);
  const size_t response = turn.find(kResponse);
  if (instruction == std::string::npos || response == std::string::npos || response < instruction) {
    throw UsageError("template '" + layout.name +
                     "': a benchmark's question needs {instruction} before {response}; use "
                     "--template none to ask without one");
  }
  const size_t behind = instruction + kInstruction.size();
  const std::string between = turn.substr(behind, response - behind);
  size_t cut = between.find_first_not_of('\n', std::min(between.find('\n'), between.size()));
  cut = cut == std::string::npos ? 0 : cut;
  MetaTemplate meta{.human_begin = turn.substr(0, instruction),
                    .human_end = between.substr(0, cut),
                    .bot_begin = between.substr(cut),
                    .bot_end = turn.substr(response + kResponse.size()),
                    .generation_begin = between.substr(cut)};
  if (end == PromptEnd::kTrimmed) {
    meta.generation_begin.erase(meta.generation_begin.find_last_not_of(' ') + 1);
  }
  return meta;
}

std::string build_prompt(const TaskChoice& task, const Question& question,
                         const std::vector<Columns>& exemplars,
                         const std::optional<MetaTemplate>& meta) {
  const Sections sections = make_sections(task, question, exemplars);
  return meta ? lay_out_rounds(sections, *meta) : lay_out_plain(sections);
}

std::string build_turn_prompt(const TaskChoice& task, const Question& question,
                              const std::vector<std::string>& answers,
                              const std::optional<MetaTemplate>& meta) {
  Sections sections = make_sections(task, question, {});
  std::vector<RoundItem>& items = sections.question;
  size_t num_answers = 0;
  for (size_t i = 0; i < items.size(); ++i) {
    if (!items[i].is_own_answer) {
      continue;
    }
    if (num_answers == answers.size()) {
      items.resize(i);
      break;
    }
    items[i].text = answers[num_answers++];
  }
  SFT_CHECK(num_answers == answers.size());
  return meta ? lay_out_rounds(sections, *meta) : lay_out_plain(sections);
}

std::vector<ChoicePrompt> build_choice_prompts(const TaskChoice& task, const Question& question,
                                               const std::vector<Columns>& exemplars,
                                               const std::optional<MetaTemplate>& meta) {
  SFT_CHECK(task.spec.likelihood.has_value());
  const LikelihoodSpec& likelihood = *task.spec.likelihood;
  TaskChoice asked = task;
  const bool is_alone = !likelihood.rounds.empty();
  if (is_alone) {
    asked.shot.begin.clear();
    asked.shot.rounds = likelihood.rounds;
  }
  std::vector<ChoicePrompt> prompts;
  for (const std::string& choice : question.choices) {
    Question with_choice = question;
    with_choice.columns.push_back({.name = "choice", .text = choice});
    std::string prompt =
        build_prompt(asked, with_choice, is_alone ? std::vector<Columns>() : exemplars, meta);
    prompt.erase(prompt.find_last_not_of(' ') + 1);
    prompts.push_back({.prompt = std::move(prompt),
                       .completion = fill(likelihood.completion, with_choice.columns)});
  }
  return prompts;
}

}  // namespace sft
