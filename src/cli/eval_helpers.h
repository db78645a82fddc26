#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "cli/eval_options.h"
#include "cli/eval_session.h"

#include "sft/core/interrupt.h"
#include "sft/eval/code_runner.h"
#include "sft/eval/evaluator.h"
#include "sft/tasks/task_selection.h"

namespace sft {

// The judge, where one of the tasks needs it. It stops where `interrupt`, once there, asks for it.
std::optional<ConfiguredJudge> make_judge(const std::vector<TaskChoice>& tasks,
                                          const EvalOptions& options,
                                          const std::optional<InterruptScope>& interrupt);

JudgeAccess access_to(std::optional<ConfiguredJudge>& judge, const EvalOptions& options);

// What runs the programs of those tasks that have such; null where there are none.
std::unique_ptr<CodeRunner> make_code_runner(const std::vector<Benchmark>& benchmarks,
                                             const EvalOptions& options, int threads);

}  // namespace sft
