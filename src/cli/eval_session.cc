#include "cli/eval_session.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "sft/core/error.h"
#include "sft/core/format.h"
#include "sft/core/progress.h"
#include "sft/io/json.h"

namespace sft {
namespace {

namespace fs = std::filesystem;

std::string with_error(const MetricValue& value) {
  return fmt::format("{:.2f} ± {:.2f}", value.score, value.standard_error);
}

// "45.00 / 47.50": the likeliest choice, and the likeliest per character.
std::string likelihood_text(const ResultEntry& entry) {
  return entry.likelihood ? fmt::format("{:.2f} / {:.2f}", entry.likelihood->accuracy.score,
                                        entry.likelihood->accuracy_norm.score)
                          : "-";
}

void print_entry(const ResultEntry& entry, double seconds) {
  if (!entry.missing_file.empty()) {
    fmt::print("{:<12} {:>5}   missing {}\n", entry.task, entry.shots, entry.missing_file);
    return;
  }
  fmt::print("{:<12} {:>5} {:>15} {:>15} {:>15} {:>7} {:>8}{}{}\n", entry.task, entry.shots,
             with_error(entry.value), entry.strict ? with_error(*entry.strict) : "-",
             likelihood_text(entry), entry.n, format_seconds(seconds),
             entry.is_partial ? " (cut file)" : "", entry.is_verified ? "" : " (unverified)");
}

}  // namespace

std::string task_name(const Benchmark& benchmark) {
  return fmt::format("{}:{}", benchmark.task.spec.name, benchmark.task.shot.shots);
}

void EvalSession::skip(const Benchmark& benchmark) {
  folder_.add_missing(benchmark.task, benchmark.missing_file);
  ResultEntry entry;
  entry.task = benchmark.task.spec.name;
  entry.shots = benchmark.task.shot.shots;
  entry.missing_file = benchmark.missing_file;
  rows_.push_back({.entry = std::move(entry), .seconds = 0});
}

void EvalSession::run(const Benchmark& benchmark, const Evaluator& evaluator,
                      const InterruptScope& interrupt) {
  const double start = clock_.monotonic_seconds();
  Progress progress({.what = "eval " + task_name(benchmark),
                     .unit = "question",
                     .total = num_answers(benchmark),
                     .is_quiet = is_quiet_},
                    clock_);
  const auto on_progress = [&](size_t num_done) {
    if (interrupt.requested()) {
      throw Interrupted(fmt::format("{} is not scored; {} tasks are saved in {}; start again",
                                    task_name(benchmark), num_scored(), folder_.path().string()));
    }
    progress.update(num_done, "");
  };
  if (!benchmark.task.spec.judge) {
    const TaskOutcome outcome = evaluator.run(benchmark, on_progress);
    add(outcome, clock_.monotonic_seconds() - start);
    return;
  }
  const std::vector<Response> responses = evaluator.answer(benchmark, on_progress);
  try {
    TaskOutcome outcome = evaluator.complete(
        benchmark, judge(benchmark, responses.size(), [&](const JudgeModel::OnReply& on_reply) {
          return judge_task(benchmark,
                            {.questions = benchmark.data->questions, .responses = responses},
                            *judge_.model, on_reply);
        }));
    outcome.entry.settings["judge"] = judge_.model->name();
    add(outcome, clock_.monotonic_seconds() - start);
  } catch (const JudgeError& error) {
    const fs::path kept = folder_.keep_answers(benchmark, responses);
    failures_.push_back(
        fmt::format("{} is not scored: {}; the model's answers are kept in {}, "
                    "start again to have them judged",
                    task_name(benchmark), error.what(), kept.string()));
    spdlog::warn("[eval] judge failed task={}", task_name(benchmark));  // why comes at the end
  }
}

TaskOutcome EvalSession::judge_given(const Benchmark& benchmark, const fs::path& path) {
  return judge(benchmark, benchmark.data->questions.size(),
               [&](const JudgeModel::OnReply& on_reply) {
                 return judge_given_responses(benchmark, path, *judge_.model, on_reply);
               });
}

void EvalSession::add(const TaskOutcome& outcome, double seconds) {
  folder_.add(outcome, seconds);
  rows_.push_back({.entry = outcome.entry,
                   .seconds = seconds,
                   .judge_usage = outcome.judge_usage
                                      ? "judge " + judge_.model->name() + ": " +
                                            describe_usage(*outcome.judge_usage, judge_.options)
                                      : ""});
}

void EvalSession::print(bool is_json) const {
  if (is_json) {
    fmt::print("{}\n", dump_json(folder_.table().to_json(), JsonLayout::kCompact));
    return;
  }
  print_table();
}

TaskOutcome EvalSession::judge(const Benchmark& benchmark, size_t num_questions, const Ask& ask) {
  Progress progress({.what = "judge " + task_name(benchmark),
                     .unit = "verdict",
                     .total = num_judge_calls(benchmark, num_questions),
                     .is_quiet = is_quiet_},
                    clock_);
  size_t num_done = 0;
  return ask(
      [&](size_t /*call*/, const JudgeReply& /*reply*/) { progress.update(++num_done, ""); });
}

int64_t EvalSession::num_scored() const {
  return std::count_if(rows_.begin(), rows_.end(),
                       [](const Row& row) { return row.entry.missing_file.empty(); });
}

void EvalSession::print_table() const {
  const ResultTable& table = folder_.table();
  fmt::print("{}, template {}\n", table.model().name, table.template_name());
  fmt::print("{:<12} {:>5} {:>15} {:>15} {:>15} {:>7} {:>8}\n", "task", "shots", "score", "strict",
             "logprob / norm", "n", "time");
  for (const Row& row : rows_) {
    print_entry(row.entry, row.seconds);
  }
  print_notes();
  fmt::print("results: {}\n", (folder_.path() / "results.json").string());
}

// What a reader of the scores has to know beside them.
void EvalSession::print_notes() const {
  int64_t num_unlike = 0;
  int64_t num_asked = 0;
  for (const Row& row : rows_) {
    // Questions that are answered by probabilities alone have no prompt that an answer follows.
    if (row.entry.missing_file.empty() &&
        row.entry.settings.value("max_new_tokens", int64_t{0}) > 0) {
      num_unlike += row.entry.num_unlike_training;
      num_asked += row.entry.n;
    }
  }
  if (num_asked > 0) {
    fmt::print("prompt tokens differ from those of training on {} of {} questions{}\n", num_unlike,
               num_asked,
               num_unlike > 0 ? "; --prompt-end trimmed ends prompts as training does" : "");
  }
  for (const Row& row : rows_) {
    if (!row.entry.exemplars.empty()) {
      fmt::print("{}:{} has its worked examples from {}\n", row.entry.task, row.entry.shots,
                 row.entry.exemplars);
    }
    for (const std::string& note : row.entry.notes) {
      fmt::print("{}:{}: {}\n", row.entry.task, row.entry.shots, note);
    }
    if (!row.judge_usage.empty()) {
      fmt::print("{}:{}: {}\n", row.entry.task, row.entry.shots, row.judge_usage);
    }
  }
}

}  // namespace sft
