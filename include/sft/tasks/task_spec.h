#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "sft/tasks/columns.h"
#include "sft/tasks/extractor.h"

namespace sft {

enum class Role { kHuman, kBot };

// One line of a conversation, with {column} where the question's columns go.
struct RoundItem {
  Role role = Role::kHuman;
  std::string text;
};

// Worked examples in front of the question: the listed rows of a file, in this order, each laid out
// by `rounds`.
struct ExemplarSpec {
  std::string file;  // under the data folder
  std::vector<int64_t> rows;
  bool is_same_group = false;  // rows of the question's group alone, counted inside it
  std::vector<ColumnSpec> columns;
  std::vector<RoundItem> rounds;
};

// What is asked of the model: text to be generated.
enum class RequestKind { kGenerate };

// A task at one number of worked examples.
struct ShotSpec {
  int64_t shots = 0;
  std::vector<RoundItem> begin;  // said once, in front of the exemplars
  std::optional<ExemplarSpec> exemplars;
  std::vector<RoundItem> rounds;  // the question; a last BOT item is where the response goes on
  RequestKind request = RequestKind::kGenerate;
  int64_t max_new_tokens = 0;
  std::vector<std::string> stops;
};

// How a response becomes a score: an extractor, and a scorer that compares what it found with the
// reference. Scorers are known to the layer above, which needs `where` for its message.
struct ReadingSpec {
  std::string extract;
  std::string options;  // the letters to choose from, for extractors that need them
  std::string score;
  std::string where;  // "file:line:column"

  Extractor extractor() const;
};

enum class Average {
  kQuestions,  // every question counts alike
  kGroups,     // the mean of the groups' scores, each rounded to two decimals, as the study has it
};

// A named set of groups with a score of its own.
struct Category {
  std::string name;
  std::vector<std::string> groups;
};

// A benchmark, read from configs/tasks/<name>.yaml (see gsm8k.yaml for every key explained).
struct TaskSpec {
  std::string name;
  int64_t version = 1;  // raised with every change of rules that can change a score
  std::string source;   // whose rules these are
  std::string file;     // the questions, under the data folder
  std::vector<ColumnSpec> columns;
  std::string answer;  // the column that holds the answer; empty in the question's own prompt
  std::string gold;    // the extractor that reads the reference out of the answer; "": as it is
  std::optional<ColumnSpec> group;
  Average average = Average::kQuestions;
  std::vector<Category> categories;
  std::string metric;
  ReadingSpec study;
  std::optional<ReadingSpec> strict;
  std::vector<ShotSpec> shots;

  const ShotSpec* find_shots(int64_t count) const;  // nullptr where there are none such
};

// Throws UsageError with all faults of the file.
TaskSpec load_task(const std::filesystem::path& path);
TaskSpec read_task(const ConfigNode& root);

// A task at one number of shots, as `--tasks` names it.
struct TaskChoice {
  TaskSpec spec;
  ShotSpec shot;
};

// "gsm8k:4,boolq,mine.yaml:0" as tasks: names in configs/tasks or paths of task files, each with a
// number of shots, else the first that its file has; named twice, a task is taken once. An empty
// list: every task and shot known.
// Throws UsageError with all faults.
std::vector<TaskChoice> choose_tasks(const std::string& list);

}  // namespace sft
