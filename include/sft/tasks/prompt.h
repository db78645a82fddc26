#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sft/tasks/question.h"
#include "sft/tasks/task_spec.h"
#include "sft/text/template.h"

namespace sft {

// What stands around each side's words: a template's turn cut into the parts that OpenCompass's
// meta templates have.
struct MetaTemplate {
  std::string human_begin;
  std::string human_end;
  std::string bot_begin;
  std::string bot_end;
  std::string generation_begin;  // bot_begin where the response is to be generated
};

// The parts of `layout.turn`: what precedes {instruction}; what follows it up to the end of its
// first line break, where something follows that; the rest up to {response}; what follows that.
// `layout.separator` has no place in it: the study's evaluation puts nothing between turns. Throws
// UsageError for a template without {instruction}.
MetaTemplate meta_template(const Template& layout, PromptEnd end);

// The prompt of a question as OpenCompass 0.3.9 lays it out.
//
// In every item each {column} is replaced by the column's text, one column after another, so that a
// text which holds a later column's name is changed too; the question's own answer column counts as
// empty. With a meta template, consecutive items make rounds of a human's and a bot's item, each
// put between its parts; the prompt ends where the bot's part of the last round begins, so that
// what the task has there (such as "A:") is dropped. Without one, all texts that are not empty are
// joined by line breaks, the last bot item included.
std::string build_prompt(const TaskChoice& task, const Question& question,
                         const std::vector<Columns>& exemplars,
                         const std::optional<MetaTemplate>& meta);

// The prompt of a question's next turn, where `answers` are the model's to those before: as above,
// with each answer as it was generated, columns' names in it untouched.
std::string build_turn_prompt(const TaskChoice& task, const Question& question,
                              const std::vector<std::string>& answers,
                              const std::optional<MetaTemplate>& meta);

// A choice as the response to a question: the two are one text, which is tokenized as a whole.
struct ChoicePrompt {
  std::string prompt;  // without trailing spaces, as the prompts of training
  std::string completion;
};

// One a choice, by the task's likelihood (which it must have). Where that has rounds of its own
// they stand alone, else the question is asked as in build_prompt, worked examples included.
std::vector<ChoicePrompt> build_choice_prompts(const TaskChoice& task, const Question& question,
                                               const std::vector<Columns>& exemplars,
                                               const std::optional<MetaTemplate>& meta);

}  // namespace sft
