#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "sft/tasks/task_spec.h"

namespace sft {

// Tasks under one name, read from configs/groups/<name>.yaml:
//
//   name: paper
//   tasks: [math:0, gsm8k:4]
//   judged: [mt_bench]        # asked only where a judge is configured
struct TaskGroup {
  std::string name;
  std::vector<std::string> tasks;
  std::vector<std::string> judged;
};

// Throws UsageError with all faults of the file.
TaskGroup load_task_group(const std::filesystem::path& path);

enum class Judge { kConfigured, kNone };

struct TaskSelection {
  std::vector<TaskChoice> tasks;
  std::vector<std::string> left_out;  // judged members of a group, where there is no judge
};

// What a task that a judge scores says where there is none.
constexpr const char* kNeedsJudge =
    "is scored by a judge: set SFT_JUDGE_URL to an OpenAI-compatible endpoint "
    "(https://host/v1), SFT_JUDGE_MODEL to its model and SFT_JUDGE_KEY to its key, where it has "
    "one";

// "paper,gsm8k:4,mine.yaml:0" as tasks: names of groups, of tasks in configs/tasks, or paths of
// task files, the latter two each with a number of shots, else the first that its file has. What is
// named twice is taken once. Throws UsageError with all faults, among them a judged task that is
// named itself where there is no judge.
TaskSelection select_tasks(const std::string& list, Judge judge);

// The same where every task is wanted.
std::vector<TaskChoice> choose_tasks(const std::string& list);

}  // namespace sft
