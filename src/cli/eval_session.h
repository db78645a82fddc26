#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "cli/judge_flags.h"

#include "sft/core/clock.h"
#include "sft/core/interrupt.h"
#include "sft/eval/evaluation_folder.h"
#include "sft/eval/evaluator.h"
#include "sft/eval/judged_task.h"

namespace sft {

// "gsm8k:4".
std::string task_name(const Benchmark& benchmark);

// A judge, where one is configured and needed, and how its cost is shown.
struct JudgeAccess {
  JudgeModel* model = nullptr;
  JudgeOptions options;
};

// Runs benchmarks one after another for one model, saving after each, and shows the scores.
class EvalSession {
 public:
  EvalSession(EvaluationFolder folder, JudgeAccess judge, bool is_quiet)
      : folder_(std::move(folder)), judge_(std::move(judge)), is_quiet_(is_quiet) {}

  // Notes a benchmark whose file is missing.
  void skip(const Benchmark& benchmark);
  // Throws Interrupted where a signal asks for the end; what was saved stays. A judge that fails is
  // one of failures(), and the answers are kept.
  void run(const Benchmark& benchmark, const Evaluator& evaluator, const InterruptScope& interrupt);
  // Has given responses judged.
  TaskOutcome judge_given(const Benchmark& benchmark, const std::filesystem::path& path);
  void add(const TaskOutcome& outcome, double seconds);

  // What could not be scored, and why.
  const std::vector<std::string>& failures() const { return failures_; }
  // All that was run here: a table, or the whole of results.json.
  void print(bool is_json) const;

 private:
  // What is shown of one evaluated task.
  struct Row {
    ResultEntry entry;
    double seconds = 0;
    std::string judge_usage = {};  // "": no judge was asked
  };

  using Ask = std::function<TaskOutcome(const JudgeModel::OnReply& on_reply)>;

  // Shows how far the judge is.
  TaskOutcome judge(const Benchmark& benchmark, size_t num_questions, const Ask& ask);
  int64_t num_scored() const;
  void print_table() const;
  void print_notes() const;

  EvaluationFolder folder_;
  JudgeAccess judge_;
  bool is_quiet_;
  SystemClock clock_;
  std::vector<Row> rows_;
  std::vector<std::string> failures_;
};

}  // namespace sft
