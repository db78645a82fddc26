#include "cli/data_leakage.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "sft/tasks/question.h"

namespace sft {
namespace {

// Fewer words of an option ("the ends justify the means") tell nothing of its question.
constexpr size_t kFewestWordsBeside = 13;

// The column that says most, the answer aside: the question itself, and not its options.
std::string longest_column(const Question& question, const std::string& answer) {
  std::string name;
  size_t most = 0;
  for (const Column& column : question.columns) {
    if (column.name != answer && column.text.size() > most) {
      name = column.name;
      most = column.text.size();
    }
  }
  return name;
}

}  // namespace

LeakFinder::LeakFinder(const std::vector<TaskChoice>& tasks,
                       const std::filesystem::path& data_dir) {
  std::set<std::string> seen;
  for (const TaskChoice& task : tasks) {
    if (!seen.insert(task.spec.name).second) {
      continue;
    }
    if (const auto file = missing_file(task, data_dir)) {
      missing_.push_back(task.spec.name + ": " + *file);
    } else {
      add_task(task, data_dir);
    }
  }
  index_.finish();
}

void LeakFinder::add_task(const TaskChoice& task, const std::filesystem::path& data_dir) {
  const TaskData data = load_task_data(task, data_dir, {});
  const auto number = static_cast<uint32_t>(tasks_.size());
  for (const Question& question : data.questions) {
    const std::string longest = longest_column(question, task.spec.answer);
    for (const Column& column : question.columns) {
      const bool is_telling =
          column.name == longest || normalized_words(column.text).size() >= kFewestWordsBeside;
      if (column.name != task.spec.answer && is_telling) {
        index_.add(column.text);
        origins_.push_back({.task = number, .question = question.id, .column = column.name});
      }
    }
  }
  tasks_.push_back(
      {.name = task.spec.name, .num_questions = static_cast<int64_t>(data.questions.size())});
}

std::vector<Leak> LeakFinder::find(const Sample& sample) const {
  std::map<std::pair<uint32_t, std::string>, Leak> best;
  for (const Turn& turn : sample.turns) {
    for (const std::string& text : {turn.instruction, turn.response}) {
      for (OverlapIndex::Hit& hit : index_.find(text)) {
        const Origin& origin = origins_[hit.text];
        Leak& leak = best[{origin.task, origin.question}];
        if (hit.coverage > leak.coverage) {
          leak = {.task = tasks_[origin.task].name,
                  .question = origin.question,
                  .column = origin.column,
                  .coverage = hit.coverage,
                  .words = std::move(hit.words),
                  .sample = sample.id,
                  .dataset = sample.dataset,
                  .source = sample.source};
        }
      }
    }
  }
  std::vector<Leak> leaks;
  for (auto& [question, leak] : best) {
    leaks.push_back(std::move(leak));
  }
  return leaks;
}

}  // namespace sft
