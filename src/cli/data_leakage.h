#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "sft/data/overlap.h"
#include "sft/data/sample.h"
#include "sft/tasks/task_spec.h"

namespace sft {

// A benchmark's question that occurs in a training sample.
struct Leak {
  std::string task;
  std::string question;  // its id
  std::string column;    // which part of it
  double coverage = 0;   // how much of that part, 0 to 1
  std::string words;     // the first words in common
  std::string sample;
  std::string dataset;
  std::string source;
};

// Looks for the questions of tasks in training samples. What a question's columns hold is compared,
// its answer aside, and not the prompt that is built of them; short ones beside the longest
// (options, subjects) do not count.
class LeakFinder {
 public:
  // A task named at several numbers of shots counts once; one whose file is missing is left out and
  // named in `missing`. Throws as load_task_data does.
  LeakFinder(const std::vector<TaskChoice>& tasks, const std::filesystem::path& data_dir);

  // For each question found the column that is covered best.
  std::vector<Leak> find(const Sample& sample) const;

  struct Task {
    std::string name;
    int64_t num_questions = 0;
  };
  const std::vector<Task>& tasks() const { return tasks_; }
  const std::vector<std::string>& missing() const { return missing_; }  // "gsm8k: gsm8k/test.jsonl"

 private:
  struct Origin {
    uint32_t task;
    std::string question;
    std::string column;
  };
  void add_task(const TaskChoice& task, const std::filesystem::path& data_dir);

  OverlapIndex index_;
  std::vector<Origin> origins_;  // of each text of the index
  std::vector<Task> tasks_;
  std::vector<std::string> missing_;
};

}  // namespace sft
