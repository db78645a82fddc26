#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "sft/eval/evaluator.h"
#include "sft/results/result_table.h"
#include "sft/results/sample_record.h"

namespace sft {

// What the outcomes of all tasks have alike, whether rules or a judge score them.

// An entry that says which task it is of.
ResultEntry new_entry(const TaskChoice& task);

// How much of the task's file the benchmark holds.
void add_extent(const Benchmark& benchmark, ResultEntry& entry);

// What was asked and answered, in the sample; and counted in the entry.
void add_response(const Response& response, RequestKind request, SampleRecord& sample,
                  ResultEntry& entry);

struct QuestionValue {
  const Question* question = nullptr;
  double value = 0;
};
// `scale` times the mean of the questions with each value of each facet of the task, by value:
// "type/algebra".
std::vector<std::pair<std::string, double>> facet_means(const TaskSpec& task,
                                                        std::span<const QuestionValue> values,
                                                        double scale);

}  // namespace sft
