#include "sft/tasks/task_selection.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "sft/core/error.h"
#include "sft/core/resources.h"
#include "sft/core/table.h"

namespace sft {
namespace {

// "name:4" as name and 4; the number is missing in "name" and "C:\x.yaml".
std::pair<std::string, std::optional<int64_t>> split_shots(const std::string& item) {
  const size_t colon = item.rfind(':');
  if (colon == std::string::npos) {
    return {item, std::nullopt};
  }
  int64_t shots = 0;
  const char* const end = item.data() + item.size();
  const auto [stop, error] = std::from_chars(item.data() + colon + 1, end, shots);
  if (error != std::errc() || stop != end) {
    return {item, std::nullopt};
  }
  return {item.substr(0, colon), shots};
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// The file of a task; a slip of the pen is told the names of groups too.
std::filesystem::path find_task(const std::string& name) {
  std::vector<std::string> known = config_names("tasks");
  const bool is_path = name.find('/') != std::string::npos || name.ends_with(".yaml");
  if (!is_path && !contains(known, name)) {
    for (const std::string& group : config_names("groups")) {
      known.push_back(group);
    }
    throw UsageError(unknown_name("task", name, known));
  }
  return find_config("task", "tasks", name);
}

TaskChoice choose_task(const std::string& item) {
  const auto [name, count] = split_shots(item);
  TaskSpec spec = load_task(find_task(name));
  const ShotSpec* const shot = count ? spec.find_shots(*count) : &spec.shots.front();
  if (shot == nullptr) {
    std::string known;
    for (const ShotSpec& other : spec.shots) {
      known += fmt::format("{}{}:{}", known.empty() ? "" : ", ", name, other.shots);
    }
    throw UsageError(fmt::format("--tasks {}: no such number of shots (known: {})", item, known));
  }
  const ShotSpec chosen = *shot;
  return {.spec = std::move(spec), .shot = chosen};
}

// Collects tasks, each once, and the faults of all names.
class Selector {
 public:
  explicit Selector(Judge judge) : judge_(judge) {}

  void add(const std::string& item) {
    try {
      if (contains(config_names("groups"), item)) {
        add_group(load_task_group(find_config("group of tasks", "groups", item)));
      } else {
        TaskChoice choice = choose_task(item);
        if (choice.spec.judge && judge_ == Judge::kNone) {
          throw UsageError(fmt::format("--tasks {}: {}", item, kNeedsJudge));
        }
        add_task(std::move(choice));
      }
    } catch (const UsageError& error) {
      faults_.insert(faults_.end(), error.faults().begin(), error.faults().end());
    }
  }

  TaskSelection take() {
    if (!faults_.empty()) {
      throw UsageError(std::move(faults_));
    }
    return std::move(selection_);
  }

 private:
  void add_group(const TaskGroup& group) {
    for (const std::string& task : group.tasks) {
      add_task(choose_task(task));
    }
    for (const std::string& task : group.judged) {
      if (judge_ == Judge::kConfigured) {
        add_task(choose_task(task));
      } else if (!contains(selection_.left_out, task)) {
        selection_.left_out.push_back(task);
      }
    }
  }

  void add_task(TaskChoice choice) {
    const bool is_known = std::any_of(
        selection_.tasks.begin(), selection_.tasks.end(), [&choice](const TaskChoice& other) {
          return other.spec.name == choice.spec.name && other.shot.shots == choice.shot.shots;
        });
    if (!is_known) {
      selection_.tasks.push_back(std::move(choice));
    }
  }

  Judge judge_;
  TaskSelection selection_;
  std::vector<std::string> faults_;
};

}  // namespace

TaskGroup load_task_group(const std::filesystem::path& path) {
  const ConfigNode root = ConfigNode::load(path);
  TaskGroup group;
  root.require("name");
  root.require("tasks");
  root.read("name", group.name);
  root.read("tasks", group.tasks);
  root.read("judged", group.judged);
  root.finish();
  root.check();
  return group;
}

TaskSelection select_tasks(const std::string& list, Judge judge) {
  Selector selector(judge);
  for (size_t begin = 0; begin <= list.size();) {
    const size_t end = std::min(list.find(',', begin), list.size());
    selector.add(list.substr(begin, end - begin));
    begin = end + 1;
  }
  return selector.take();
}

std::vector<TaskChoice> choose_tasks(const std::string& list) {
  return select_tasks(list, Judge::kConfigured).tasks;
}

}  // namespace sft
