#include "cli/eval_given.h"

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cli/bench_files.h"
#include "cli/eval_helpers.h"
#include "cli/eval_session.h"

#include "sft/core/clock.h"
#include "sft/core/error.h"
#include "sft/core/interrupt.h"
#include "sft/eval/evaluation_folder.h"
#include "sft/eval/given_responses.h"
#include "sft/eval/judged_task.h"
#include "sft/tasks/task_selection.h"

namespace sft {
namespace {

namespace fs = std::filesystem;

// The one task that --task names; a judge is there where its responses need one.
std::vector<TaskChoice> choose_given_task(const EvalOptions& options) {
  std::vector<TaskChoice> tasks = choose_tasks(options.given_task);
  if (tasks.size() != 1) {
    throw UsageError("--task " + options.given_task + ": must name one task");
  }
  const bool is_judged = tasks.front().spec.judge.has_value();
  if (!options.judgements.empty() && !is_judged) {
    throw UsageError("--task " + options.given_task +
                     ": is not scored by a judge; --responses takes its answers");
  }
  if (options.judgements.empty() && is_judged && !is_judge_configured()) {
    throw UsageError("--task " + options.given_task + ": " + kNeedsJudge +
                     "; or give stored verdicts by --judgements");
  }
  return tasks;
}

}  // namespace

int score_given(const EvalOptions& options, const CommonOptions& common) {
  const fs::path data_dir = benchmark_folder(options.data_dir);
  std::vector<TaskChoice> tasks = choose_given_task(options);
  std::optional<InterruptScope> interrupt;
  std::optional<ConfiguredJudge> judge =
      options.judgements.empty() ? make_judge(tasks, options, interrupt) : std::nullopt;
  if (judge) {
    interrupt.emplace();
  }
  const fs::path given = options.judgements.empty() ? options.responses : options.judgements;
  const std::vector<Benchmark> benchmarks = load_benchmarks(std::move(tasks), data_dir, {});
  if (!benchmarks.front().data) {
    throw Error((data_dir / benchmarks.front().missing_file).string() +
                ": no such file; sft data fetch bench gets what is public, --data-dir or "
                "SFT_DATA_DIR chooses the folder");
  }
  const std::unique_ptr<CodeRunner> code_runner =
      make_code_runner(benchmarks, options, common.threads);
  const SystemClock clock;
  const double start = clock.monotonic_seconds();
  const std::string name = given.stem().string();
  const fs::path folder =
      options.output.empty() ? fs::path("runs") / "eval" / name : fs::path(options.output);
  EvalSession session(
      EvaluationFolder(folder, {.name = name, .weights_sha256 = {}, .adapter_sha256 = {}},
                       std::string(kNoTemplate)),
      access_to(judge, options), common.is_quiet);
  const TaskOutcome outcome =
      !options.judgements.empty() ? score_judgements(benchmarks.front(), given)
      : judge                     ? session.judge_given(benchmarks.front(), given)
              : score_given_responses(benchmarks.front(), given, code_runner.get());
  session.add(outcome, clock.monotonic_seconds() - start);
  session.print(common.is_json);
  return 0;
}

}  // namespace sft
