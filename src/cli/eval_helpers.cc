#include "cli/eval_helpers.h"

#include <algorithm>
#include <string>

#include "cli/open_sandbox.h"

namespace sft {

std::optional<ConfiguredJudge> make_judge(const std::vector<TaskChoice>& tasks,
                                          const EvalOptions& options,
                                          const std::optional<InterruptScope>& interrupt) {
  if (std::none_of(tasks.begin(), tasks.end(),
                   [](const TaskChoice& task) { return task.spec.judge.has_value(); })) {
    return std::nullopt;
  }
  using Memory = ConfiguredJudge::Memory;
  return std::optional<ConfiguredJudge>(
      std::in_place, options.judge, options.has_no_cache ? Memory::kNone : Memory::kKept,
      [&interrupt] { return interrupt && interrupt->requested(); });
}

JudgeAccess access_to(std::optional<ConfiguredJudge>& judge, const EvalOptions& options) {
  return {.model = judge ? &judge->model() : nullptr, .options = options.judge};
}

std::unique_ptr<CodeRunner> make_code_runner(const std::vector<Benchmark>& benchmarks,
                                             const EvalOptions& options, int threads) {
  std::string tasks;
  for (const Benchmark& benchmark : benchmarks) {
    if (benchmark.runs_code && benchmark.data) {
      tasks += (tasks.empty() ? "" : ",") + task_name(benchmark);
    }
  }
  return tasks.empty() ? nullptr
                       : open_sandbox(tasks,
                                      options.is_unsandboxed_allowed ? UnsandboxedCode::kAllowed
                                                                     : UnsandboxedCode::kRefused,
                                      threads);
}

}  // namespace sft
