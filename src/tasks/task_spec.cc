#include "sft/tasks/task_spec.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <string_view>

#include <fmt/format.h>

#include "sft/core/error.h"
#include "sft/core/resources.h"
#include "sft/core/table.h"

namespace sft {
namespace {

// OpenCompass 0.3.9's own default where a task sets no length and its model's config holds.
constexpr int64_t kInheritedMaxNewTokens = 100;
constexpr double kMostNewTokens = 1 << 20;
constexpr double kMostRow = 1e9;

constexpr std::pair<std::string_view, RequestKind> kRequests[] = {
    {"generate", RequestKind::kGenerate}};
constexpr std::pair<std::string_view, Average> kAverages[] = {{"questions", Average::kQuestions},
                                                              {"groups", Average::kGroups}};

std::vector<std::string> column_names(const std::vector<ColumnSpec>& columns) {
  std::vector<std::string> names;
  names.reserve(columns.size());
  for (const ColumnSpec& column : columns) {
    names.push_back(column.name);
  }
  return names;
}

bool contains(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

// Braces that hold no column stay as they are, since questions are full of LaTeX and code; but one
// letter off a column's name is a slip.
void check_braces(const std::string& text, const std::vector<std::string>& columns,
                  const ConfigNode& node) {
  constexpr size_t kLongestName = 200;  // longer ones are no slip
  size_t close = 0;
  for (size_t open = text.find('{'); open != std::string::npos; open = text.find('{', open + 1)) {
    close = close > open ? close : text.find('}', open);
    if (close == std::string::npos) {
      return;
    }
    if (close - open > kLongestName) {
      continue;
    }
    const std::string name = text.substr(open + 1, close - open - 1);
    if (name.size() < 3 || contains(columns, name)) {
      continue;
    }
    if (const std::string nearest = nearest_name(name, columns); !nearest.empty()) {
      node.fault(fmt::format("no column '{}'; did you mean '{}'?", name, nearest));
    }
  }
}

// [{human: TEXT}, {bot: TEXT}, ...]
std::vector<RoundItem> read_rounds(const ConfigNode& node,
                                   const std::vector<std::string>& columns) {
  std::vector<RoundItem> rounds;
  for (const ConfigNode& item : node.items()) {
    const bool is_human = item.has("human");
    if (!item.is_map() || item.keys().size() != 1 || (!is_human && !item.has("bot"))) {
      item.fault("an item of a conversation must be {human: TEXT} or {bot: TEXT}");
      continue;
    }
    RoundItem round{.role = is_human ? Role::kHuman : Role::kBot, .text = {}};
    const ConfigNode text = item.at(is_human ? "human" : "bot");
    text.get(round.text);
    check_braces(round.text, columns, text);
    rounds.push_back(std::move(round));
  }
  return rounds;
}

void check_relative(const std::string& file, const ConfigNode& node) {
  const std::filesystem::path path(file);
  const bool leaves = std::any_of(path.begin(), path.end(),
                                  [](const std::filesystem::path& part) { return part == ".."; });
  if (path.is_absolute() || leaves) {
    node.fault("'" + file + "' must be a path under the data folder, such as gsm8k/test.jsonl");
  }
}

ExemplarSpec read_exemplars(const ConfigNode& node, const TaskSpec& task, int64_t shots) {
  ExemplarSpec exemplars;
  node.require("file");
  node.read("file", exemplars.file);
  check_relative(exemplars.file, node.at("file"));
  node.require("rows");
  for (const ConfigNode& item : node.at("rows").items()) {
    int64_t row = 0;
    item.get(row, {.min = 0, .max = kMostRow});
    exemplars.rows.push_back(row);
  }
  if (static_cast<int64_t>(exemplars.rows.size()) != shots) {
    node.at("rows").fault(
        fmt::format("'rows' lists {} rows for {} shots", exemplars.rows.size(), shots));
  }
  node.read("same_group", exemplars.is_same_group);
  if (exemplars.is_same_group && !task.group) {
    node.at("same_group").fault("'same_group' needs the task to have a 'group'");
  }
  exemplars.columns = node.has("columns") ? read_columns(node.at("columns")) : task.columns;
  node.require("rounds");
  exemplars.rounds = read_rounds(node.at("rounds"), column_names(exemplars.columns));
  node.finish();
  return exemplars;
}

ShotSpec read_shot(const std::string& key, const ConfigNode& node, const TaskSpec& task) {
  ShotSpec shot;
  const auto [stop, error] = std::from_chars(key.data(), key.data() + key.size(), shot.shots);
  if (error != std::errc() || stop != key.data() + key.size() || shot.shots < 0) {
    node.fault("'" + key + "' must be a number of worked examples");
  }
  const std::vector<std::string> columns = column_names(task.columns);
  shot.begin = read_rounds(node.at("begin"), columns);
  node.require("rounds");
  shot.rounds = read_rounds(node.at("rounds"), columns);
  if (shot.rounds.empty() || shot.rounds.front().role != Role::kHuman) {
    node.at("rounds").fault("'rounds' must begin with an item {human: TEXT}");
  }
  if (node.has("exemplars")) {
    shot.exemplars = read_exemplars(node.at("exemplars"), task, shot.shots);
  } else if (shot.shots > 0) {
    node.fault(fmt::format("{} shots need 'exemplars'", shot.shots));
  }
  node.read_choice("request", shot.request, kRequests);
  shot.max_new_tokens = kInheritedMaxNewTokens;
  node.read("max_new_tokens", shot.max_new_tokens, {.min = 1, .max = kMostNewTokens});
  node.read("stops", shot.stops);
  if (contains(shot.stops, "")) {
    node.at("stops").fault("an empty text would stop every response");
  }
  node.finish();
  return shot;
}

const ExtractorRow* find_extractor(const std::string& name, const ConfigNode& node) {
  std::vector<std::string> known;
  for (const ExtractorRow& row : extractors()) {
    if (row.name == name) {
      return &row;
    }
    known.emplace_back(row.name);
  }
  node.fault(unknown_name("extractor", name, known));
  return nullptr;
}

bool are_letters(const std::string& options) {
  const std::set<char> distinct(options.begin(), options.end());
  return !options.empty() && distinct.size() == options.size() &&
         std::all_of(options.begin(), options.end(),
                     [](char option) { return option >= 'A' && option <= 'Z'; });
}

ReadingSpec read_reading(const ConfigNode& node) {
  ReadingSpec reading;
  reading.where = node.where();
  node.require("extract");
  node.require("score");
  node.read("extract", reading.extract);
  node.read("score", reading.score);
  node.read("options", reading.options);
  const ExtractorRow* const row =
      reading.extract.empty() ? nullptr : find_extractor(reading.extract, node.at("extract"));
  if (row != nullptr && row->needs_options && !are_letters(reading.options)) {
    node.fault("'" + reading.extract + "' needs 'options', different capital letters as in ABCD");
  }
  if (row != nullptr && !row->needs_options && !reading.options.empty()) {
    node.at("options").fault("'" + reading.extract + "' has no use for 'options'");
  }
  node.finish();
  return reading;
}

void read_groups(const ConfigNode& root, TaskSpec& task) {
  if (root.has("group")) {
    task.group = read_column("group", root.at("group"));
  }
  root.read_choice("average", task.average, kAverages);
  const ConfigNode categories = root.at("categories");
  for (const std::string& name : categories.keys()) {
    Category category{.name = name, .groups = {}};
    categories.read(name, category.groups);
    task.categories.push_back(std::move(category));
  }
  if (!task.group && (task.average == Average::kGroups || !task.categories.empty())) {
    root.fault("'average: groups' and 'categories' need a 'group'");
  }
}

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

TaskChoice choose_task(const std::string& item) {
  const auto [name, count] = split_shots(item);
  TaskSpec spec = load_task(find_config("task", "tasks", name));
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

std::vector<TaskChoice> all_tasks() {
  std::vector<TaskChoice> choices;
  for (const std::string& name : config_names("tasks")) {
    const TaskSpec spec = load_task(find_config("task", "tasks", name));
    for (const ShotSpec& shot : spec.shots) {
      choices.push_back({.spec = spec, .shot = shot});
    }
  }
  return choices;
}

}  // namespace

Extractor ReadingSpec::extractor() const {
  return find_entry(extractors(), "extractor", extract).make(options);
}

const ShotSpec* TaskSpec::find_shots(int64_t count) const {
  const auto found = std::find_if(shots.begin(), shots.end(),
                                  [count](const ShotSpec& shot) { return shot.shots == count; });
  return found == shots.end() ? nullptr : &*found;
}

TaskSpec read_task(const ConfigNode& root) {
  TaskSpec task;
  for (const char* const key : {"name", "file", "columns", "answer", "metric", "study", "shots"}) {
    root.require(key);
  }
  root.read("name", task.name);
  if (task.name.find_first_of("/:, ") != std::string::npos) {
    root.at("name").fault("'" + task.name + "' must have no '/', ':', ',' or blank");
  }
  root.read("version", task.version, {.min = 1, .max = kMostRow});
  root.read("source", task.source);
  root.read("file", task.file);
  check_relative(task.file, root.at("file"));
  task.columns = read_columns(root.at("columns"));
  root.read("answer", task.answer);
  if (!task.answer.empty() && !contains(column_names(task.columns), task.answer)) {
    root.at("answer").fault(unknown_name("column", task.answer, column_names(task.columns)));
  }
  root.read("gold", task.gold);
  if (!task.gold.empty()) {
    find_extractor(task.gold, root.at("gold"));
  }
  read_groups(root, task);
  root.read("metric", task.metric);
  task.study = read_reading(root.at("study"));
  if (root.has("strict")) {
    task.strict = read_reading(root.at("strict"));
  }
  const ConfigNode shots = root.at("shots");
  for (const std::string& key : shots.keys()) {
    ShotSpec shot = read_shot(key, shots.at(key), task);
    if (task.find_shots(shot.shots) != nullptr) {
      shots.at(key).fault(fmt::format("{} shots are there twice", shot.shots));
    }
    task.shots.push_back(std::move(shot));
  }
  if (task.shots.empty() && !shots.is_null()) {
    shots.fault("'shots' must have at least one entry, such as 0: {rounds: [...]}");
  }
  root.finish();
  root.check();
  return task;
}

TaskSpec load_task(const std::filesystem::path& path) {
  return read_task(ConfigNode::load(path));
}

std::vector<TaskChoice> choose_tasks(const std::string& list) {
  if (list.empty()) {
    return all_tasks();
  }
  std::vector<TaskChoice> choices;
  std::vector<std::string> faults;
  for (size_t begin = 0; begin <= list.size();) {
    const size_t end = std::min(list.find(',', begin), list.size());
    try {
      TaskChoice choice = choose_task(list.substr(begin, end - begin));
      const bool is_known =
          std::any_of(choices.begin(), choices.end(), [&choice](const TaskChoice& other) {
            return other.spec.name == choice.spec.name && other.shot.shots == choice.shot.shots;
          });
      if (!is_known) {
        choices.push_back(std::move(choice));
      }
    } catch (const UsageError& error) {
      faults.insert(faults.end(), error.faults().begin(), error.faults().end());
    }
    begin = end + 1;
  }
  if (!faults.empty()) {
    throw UsageError(std::move(faults));
  }
  return choices;
}

}  // namespace sft
