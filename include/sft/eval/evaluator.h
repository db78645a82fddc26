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
// missing, or where the task cannot be scored here.
struct Benchmark {
  TaskChoice task;
  std::optional<TaskData> data;
  std::string missing_file;
  std::string obstacle;  // why it cannot be scored, where no file is missing
};

// Reads the files of all tasks and checks that their scorers are known, before any model is loaded.
std::vector<Benchmark> load_benchmarks(std::vector<TaskChoice> tasks,
                                       const std::filesystem::path& data_dir,
                                       const QuestionLimits& limits);

// What a model is asked for in all: a text for each question, and its choices as one more.
size_t num_answers(const Benchmark& benchmark);

// Asks a model the questions of tasks and scores its answers. Borrows the model.
class Evaluator {
 public:
  // Without a layout prompts are the tasks' own text. Throws UsageError for a layout that cannot
  // hold a question.
  Evaluator(LanguageModel& model, const std::optional<Template>& layout, EvalSettings settings);

  // Called after each answer with their number so far, of num_answers in all; what it throws ends
  // the evaluation and is passed on.
  using OnProgress = std::function<void(size_t num_done)>;

  // A prompt that leaves no room for an answer counts as answered by nothing.
  TaskOutcome run(const Benchmark& benchmark, const OnProgress& on_progress) const;

 private:
  std::vector<Response> prepare(const Benchmark& benchmark,
                                std::vector<GenerateRequest>& requests) const;
  void generate(const Benchmark& benchmark, std::vector<Response>& responses,
                const OnProgress& on_progress) const;
  void score_choices(const Benchmark& benchmark, std::vector<Response>& responses,
                     const OnProgress& on_progress) const;

  LanguageModel& model_;
  std::optional<MetaTemplate> meta_;
  std::optional<MetaTemplate> trimmed_meta_;  // prompts as training has them
  EvalSettings settings_;
};

// Scores responses that were given, by anyone. `path` is one of
//
//   JSON Lines of {"id", "response"}, such as a file under samples/
//   a file of predictions of OpenCompass, {"0": {"prediction"}, ...}, or the folder of them
//   a log of samples of lm-evaluation-harness, JSON Lines of {"doc_id", "resps"}, or the folder of
//   them; log-probabilities of choices are taken where it holds these
//
// Numbers of the latter two count the task's questions, those of a task with groups inside the
// group that the file's name holds. Other fields are ignored; only the questions that are there
// count. Throws Error with path:line for a line without them, an id that the task has not, or one
// that comes twice.
TaskOutcome score_given_responses(const Benchmark& benchmark, const std::filesystem::path& path);

}  // namespace sft
