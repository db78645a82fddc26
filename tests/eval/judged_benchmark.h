#pragma once

#include <string>

#include "fake_judge.h"
#include "judge_files.h"

#include "sft/eval/judged_task.h"

namespace sft {

// The program's own task on such files; tests run in the build folder.
inline Benchmark judged_benchmark(const std::string& name, const TempFolder& folder,
                                  const QuestionLimits& limits = {}) {
  const TaskSpec spec =
      load_task(std::string(SFT_TEST_SOURCE_DIR) + "/configs/tasks/" + name + ".yaml");
  return load_benchmarks({{.spec = spec, .shot = spec.shots.at(0)}}, folder.path(), limits).at(0);
}

// All questions of the benchmark, with these responses, before a judge.
inline TaskOutcome judge_all(const Benchmark& benchmark, const std::vector<Response>& responses,
                             JudgeModel& judge) {
  return judge_task(benchmark, {.questions = benchmark.data->questions, .responses = responses},
                    judge, ignore_reply);
}

}  // namespace sft
