#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sft/eval/code_runner.h"
#include "sft/eval/judge.h"
#include "sft/infer/language_model.h"
#include "sft/results/result_table.h"
#include "sft/results/sample_record.h"
#include "sft/tasks/question.h"

namespace sft {

// How a response came about; not known of one that was given from outside. Of a question in several
// turns the prompt is the last one's, and tokens are those of all.
struct Generation {
  std::string prompt;
  int64_t prompt_tokens = 0;
  int64_t response_tokens = 0;
  FinishReason finish = FinishReason::kLength;  // of the last turn
  bool has_cut_turn = false;        // an earlier turn's response ended by the limit or the context
  bool is_over_long = false;        // the prompt left no room for a response, which is empty
  bool is_unlike_training = false;  // the prompt's tokens are not those of training

  // Whether a response, of any turn, was ended by the length limit or the end of the context.
  bool is_cut_off() const;
};

// How probable a model finds a choice as the response.
struct ChoiceScore {
  double logprob = 0;         // in nats, of the whole completion
  double num_characters = 0;  // of the completion without its leading blanks
};

struct Response {
  std::string text;  // as generated, its leading blanks kept
  std::optional<Generation> generation;
  std::vector<ChoiceScore> choices;  // of each choice; empty where none were asked for or fitted
  std::vector<std::string> earlier =
      {};  // of a question in several turns, the answers before `text`
};

// A task's score, and each question with what became of it.
struct TaskOutcome {  // NOLINT(bugprone-exception-escape): as ResultEntry
  ResultEntry entry;
  std::vector<SampleRecord> samples;
  std::optional<JudgeUsage> judge_usage = std::nullopt;  // where a judge was asked
};

// What runs the programs of a task that has such.
struct CodeRuns {
  const CodeRunner* runner = nullptr;  // may be null for all other tasks
  CodeRunner::OnDone on_done = [] {};
};

// Reads and scores one response a question (in the same order, at least one), by the task's rules.
// Where nothing is generated the likeliest choice's letter is what was extracted. Sets all of the
// entry but n_total, is_partial, exemplars and settings. Throws UsageError where the task's file
// names an unknown scorer, and what a CodeRunner throws.
TaskOutcome score_task(const TaskChoice& task, std::span<const Question> questions,
                       std::span<const Response> responses, const CodeRuns& code = {});

}  // namespace sft
