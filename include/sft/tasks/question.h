#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "sft/tasks/columns.h"
#include "sft/tasks/task_spec.h"

namespace sft {

struct Question {
  std::string id;     // the row of the task's file from 0; "group/row of the group" with groups
  std::string group;  // "" where the task has none
  Columns columns;
  std::string reference;
};

// Which questions of a task are asked; 0: all.
struct QuestionLimits {
  int64_t per_group = 0;   // the first of the file, or of each group
  int64_t num_groups = 0;  // the first groups
};

// What a task asks, read from the data folder.
struct TaskData {
  std::vector<Question> questions;  // in the file's order
  int64_t num_in_file = 0;          // questions there, whatever the limits
  bool is_partial = false;          // a cut file stood in for the whole one
  // The worked examples' columns by group ("" where all questions share them).
  std::map<std::string, std::vector<Columns>> exemplars;

  const std::vector<Columns>& exemplars_of(const Question& question) const;
};

// The first file of the task that is not under `data_dir` ("gsm8k/test.jsonl"), if any. A file
// <stem>_first<N>... beside it stands in for a missing one.
std::optional<std::string> missing_file(const TaskChoice& task,
                                        const std::filesystem::path& data_dir);

// Reads the questions and exemplars. Throws Error with path:line for a broken line, a row without
// one of its fields or with one of another type, a reference that `gold` cannot read; and where a
// worked example's row is not there.
TaskData load_task_data(const TaskChoice& task, const std::filesystem::path& data_dir,
                        const QuestionLimits& limits);

}  // namespace sft
