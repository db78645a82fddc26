#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "sft/eval/task_score.h"
#include "sft/infer/language_model.h"
#include "sft/tasks/prompt.h"
#include "sft/tasks/question.h"

namespace sft {

// What a score depends on beside the model, the template and the task.
struct EvalSettings {
  PromptEnd prompt_end = PromptEnd::kExact;
  std::string dtype;           // the arithmetic's, as results name it
  int64_t max_new_tokens = 0;  // 0: the task's own
  QuestionLimits limits;
};

// A task with its questions read, ready for any number of models; without data where a file is
// missing.
struct Benchmark {
  TaskChoice task;
  std::optional<TaskData> data;
  std::string missing_file;
};

// Reads the files of all tasks and checks that their scorers are known, before any model is loaded.
std::vector<Benchmark> load_benchmarks(std::vector<TaskChoice> tasks,
                                       const std::filesystem::path& data_dir,
                                       const QuestionLimits& limits);

// Asks a model the questions of tasks and scores its answers. Borrows the model.
class Evaluator {
 public:
  // Without a layout prompts are the tasks' own text. Throws UsageError for a layout that cannot
  // hold a question.
  Evaluator(LanguageModel& model, const std::optional<Template>& layout, EvalSettings settings);

  // Called after each answer; what it throws ends the evaluation and is passed on.
  using OnProgress = std::function<void(size_t num_done)>;

  // A prompt that leaves no room for an answer counts as answered by nothing.
  TaskOutcome run(const Benchmark& benchmark, const OnProgress& on_progress) const;

 private:
  std::vector<Response> prepare(const Benchmark& benchmark,
                                std::vector<GenerateRequest>& requests) const;

  LanguageModel& model_;
  std::optional<MetaTemplate> meta_;
  EvalSettings settings_;
};

// Scores responses that were given as JSON Lines of {"id", "response"}; other fields are ignored.
// Only the questions that are there count. Throws Error with path:line for a line without them, an
// id that the task has not, or one that comes twice.
TaskOutcome score_given_responses(const Benchmark& benchmark, const std::filesystem::path& path);

}  // namespace sft
