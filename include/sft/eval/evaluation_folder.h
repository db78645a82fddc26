#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "sft/eval/evaluator.h"
#include "sft/eval/task_score.h"
#include "sft/results/result_table.h"

namespace sft {

// Where the results of a model's evaluation lie:
//
//   results.json                     see ResultTable; nothing in it depends on time or place
//   samples/<task>_<shots>shot.jsonl see SampleRecord; a line a question, in the task's order
//   timing.json                      {"<task>:<shots>": {"seconds", "questions", "prompt_tokens",
//                                    "response_tokens"}} of the last run of each, and of judged
//                                    tasks "judge": {"asked", "remembered", "failed",
//                                    "prompt_tokens", "reply_tokens"}
//   answers/<task>_<shots>shot.jsonl {"id", "response", "earlier_responses"} a line: answers whose
//                                    judge failed, until they are judged
//
// Each file appears whole, and results.json last, so that what it lists is there. Opening throws
// Error where results.json is not ours, or another model's.
class EvaluationFolder {
 public:
  EvaluationFolder(std::filesystem::path path, const ModelIdentity& model,
                   const std::string& template_name);

  // Saves a task's outcome, taking `seconds`.
  void add(const TaskOutcome& outcome, double seconds);
  // Keeps answers that no judge could be asked about; where.
  std::filesystem::path keep_answers(const Benchmark& benchmark,
                                     const std::vector<Response>& responses) const;
  // Notes that a task could not be asked.
  void add_missing(const TaskChoice& task, const std::string& file);

  const std::filesystem::path& path() const { return path_; }
  const ResultTable& table() const { return table_; }

 private:
  std::filesystem::path results_path() const { return path_ / "results.json"; }
  void save_timing(const TaskOutcome& outcome, double seconds) const;

  std::filesystem::path path_;
  ResultTable table_;
};

// Looks whether the folder can be made and whether results.json and timing.json, where they are
// there, are ours: what can be known before a model is loaded and asked for hours. Leaves nothing
// behind. Throws Error.
void check_evaluation_folder(const std::filesystem::path& path);

}  // namespace sft
