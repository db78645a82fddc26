#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sft/eval/task_score.h"
#include "sft/infer/language_model.h"
#include "sft/tasks/prompt.h"
#include "sft/tasks/question.h"

namespace sft {

class JudgeProtocol;

// What a score depends on beside the model, the template and the task.
struct EvalSettings {
  PromptEnd prompt_end = PromptEnd::kExact;
  std::string dtype;           // the arithmetic's, as results name it
  int64_t max_new_tokens = 0;  // 0: the task's own
  QuestionLimits limits;
  const CodeRunner* code_runner = nullptr;  // for tasks that run programs; borrowed
};

// A task with its questions read, ready for any number of models; without data where a file is
// missing.
struct Benchmark {
  TaskChoice task;
  std::optional<TaskData> data;
  std::string missing_file;
  bool runs_code = false;  // its answers are programs, for a CodeRunner
  std::shared_ptr<const JudgeProtocol> protocol = nullptr;  // where a judge scores it
};

// A response a question, in the same order. Borrowed.
struct AnsweredQuestions {
  std::span<const Question> questions;
  std::span<const Response> responses;
};

// Reads the files of all tasks, those for judges too, and checks that their scorers are known,
// before any model is loaded.
std::vector<Benchmark> load_benchmarks(std::vector<TaskChoice> tasks,
                                       const std::filesystem::path& data_dir,
                                       const QuestionLimits& limits);

// What a model is asked for in all: a text for each turn of each question, and its choices as one
// more.
size_t num_answers(const Benchmark& benchmark);

// Asks a model the questions of tasks and scores its answers. Borrows the model.
class Evaluator {
 public:
  // Without a layout prompts are the tasks' own text. Throws UsageError for a layout that cannot
  // hold a question.
  Evaluator(LanguageModel& model, const std::optional<Template>& layout, EvalSettings settings);

  // Called after each answer with their number so far, of num_answers in all, and with all of them
  // after each program that is run; what it throws ends the evaluation and is passed on.
  using OnProgress = std::function<void(size_t num_done)>;

  // The model's answers to all questions. A prompt that leaves no room for an answer counts as
  // answered by nothing.
  std::vector<Response> answer(const Benchmark& benchmark, const OnProgress& on_progress) const;
  // The outcome of such answers once they are scored: with what else the entry has to say.
  TaskOutcome complete(const Benchmark& benchmark, TaskOutcome scored) const;
  // Both, of a task that needs no judge.
  TaskOutcome run(const Benchmark& benchmark, const OnProgress& on_progress) const;

 private:
  std::string next_prompt(const Benchmark& benchmark, const Question& question,
                          const Response& response, const std::optional<MetaTemplate>& meta) const;
  std::vector<GenerateRequest> prepare_turn(const Benchmark& benchmark,
                                            std::vector<Response>& responses) const;
  void generate(const Benchmark& benchmark, std::vector<Response>& responses,
                const OnProgress& on_progress) const;
  void score_choices(const Benchmark& benchmark, std::vector<Response>& responses,
                     const OnProgress& on_progress) const;

  LanguageModel& model_;
  std::optional<MetaTemplate> meta_;
  std::optional<MetaTemplate> trimmed_meta_;  // prompts as training has them
  bool has_separator_ = false;                // training puts text between turns
  EvalSettings settings_;
};

}  // namespace sft
