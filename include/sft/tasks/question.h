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
  std::vector<std::string> references;  // each of which is right; empty where `reference` is it
  std::vector<std::string> choices;
  std::vector<std::string> facets;  // the values of the task's subscores, in their order

  // The place of the right choice, whose letter is the reference.
  size_t right_choice() const { return static_cast<size_t>(reference.front() - 'A'); }
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
  std::string exemplar_source;      // "gsm8k/fewshot_4shot.jsonl rows 0, 1, 2, 3"; "": none
  // The worked examples' columns by group ("" where all questions share them).
  std::map<std::string, std::vector<Columns>> exemplars;

  const std::vector<Columns>& exemplars_of(const Question& question) const;
};

// The first file of the task that is not under `data_dir` ("gsm8k/test.jsonl"), if any. A file
// <stem>_first<N>... beside it stands in for a missing one. Files are JSON Lines, a JSON array or
// CSV, as their names say.
std::optional<std::string> missing_file(const TaskChoice& task,
                                        const std::filesystem::path& data_dir);

// Reads the questions and exemplars. Throws Error with path:line for a broken line, a row without
// one of its fields or with one of another type, a reference that `gold` cannot read or that names
// no choice; and where a worked example's row is not there.
TaskData load_task_data(const TaskChoice& task, const std::filesystem::path& data_dir,
                        const QuestionLimits& limits);

}  // namespace sft
