#include "sft/tasks/task_spec.h"

#include <algorithm>
#include <set>
#include <string_view>

#include <fmt/format.h>

#include "tasks/shot_spec.h"

#include "sft/core/error.h"
#include "sft/core/table.h"

namespace sft {
namespace {

constexpr double kMostRow = 1e9;

constexpr std::pair<std::string_view, Average> kAverages[] = {{"questions", Average::kQuestions},
                                                              {"groups", Average::kGroups}};

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

// What the extractor of `row` needs beside its name, no more and no less.
void check_argument(const ExtractorRow& row, const ReadingSpec& reading, const ConfigNode& node) {
  const bool needs_options = row.argument == ExtractorRow::Argument::kOptions;
  const bool needs_pattern = row.argument == ExtractorRow::Argument::kPattern;
  if (needs_options && !are_letters(reading.options)) {
    node.fault("'" + reading.extract + "' needs 'options', different capital letters as in ABCD");
  }
  if (!needs_options && !reading.options.empty()) {
    node.at("options").fault("'" + reading.extract + "' has no use for 'options'");
  }
  if (!needs_pattern && !reading.pattern.empty()) {
    node.at("pattern").fault("'" + reading.extract + "' has no use for 'pattern'");
  }
  if (needs_pattern) {
    try {
      row.make(reading.pattern);
    } catch (const UsageError& error) {
      node.at("pattern").fault(error.what());
    }
  }
}

ReadingSpec read_reading(const ConfigNode& node) {
  ReadingSpec reading;
  reading.where = node.where();
  node.require("extract");
  node.require("score");
  node.read("extract", reading.extract);
  node.read("score", reading.score);
  node.read("options", reading.options);
  node.read("pattern", reading.pattern);
  if (!reading.extract.empty()) {
    if (const ExtractorRow* const row = find_extractor(reading.extract, node.at("extract"))) {
      check_argument(*row, reading, node);
    }
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

// [TEXT, {value: "{field}"}, {value: "{field}", split: ";"}]
std::vector<ChoiceSpec> read_choices(const ConfigNode& node) {
  std::vector<ChoiceSpec> choices;
  for (const ConfigNode& item : node.items()) {
    ChoiceSpec choice;
    if (item.is_map()) {
      item.require("value");
      choice.value = read_column("choice", item.at("value"));
      item.read("split", choice.split);
      item.finish();
    } else {
      choice.value = read_column("choice", item);
    }
    choices.push_back(std::move(choice));
  }
  return choices;
}

void read_likelihood(const ConfigNode& root, TaskSpec& task) {
  task.choices = read_choices(root.at("choices"));
  if (!root.has("likelihood")) {
    return;
  }
  const ConfigNode node = root.at("likelihood");
  task.likelihood.emplace();
  std::vector<std::string> names = column_names(task.columns);
  names.emplace_back("choice");
  task.likelihood->rounds = read_rounds(node.at("rounds"), names);
  node.read("completion", task.likelihood->completion);
  node.finish();
  if (task.choices.empty()) {
    root.at("likelihood").fault("'likelihood' needs 'choices'");
  }
}

void read_rows(const ConfigNode& root, TaskSpec& task) {
  if (!root.has("rows")) {
    return;
  }
  const ConfigNode node = root.at("rows");
  task.rows.emplace();
  node.require("first");
  node.require("last");
  node.read("first", task.rows->first, {.min = 0, .max = kMostRow});
  node.read("last", task.rows->last, {.min = 0, .max = kMostRow});
  node.finish();
  if (task.rows->last < task.rows->first) {
    node.fault(fmt::format("'rows' ends at {}, before it begins at {}", task.rows->last,
                           task.rows->first));
  }
}

void read_answers(const ConfigNode& root, TaskSpec& task) {
  root.read("answer", task.answer);
  if (!task.answer.empty() && !contains(column_names(task.columns), task.answer)) {
    root.at("answer").fault(unknown_name("column", task.answer, column_names(task.columns)));
  }
  root.read("gold", task.gold);
  if (!task.gold.empty()) {
    find_extractor(task.gold, root.at("gold"));
  }
  if (root.has("references")) {
    task.references = read_column("references", root.at("references"));
  }
}

void read_shots(const ConfigNode& root, TaskSpec& task) {
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
}

JudgeSpec::Names read_names(const ConfigNode& node) {
  JudgeSpec::Names names;
  for (const std::string& name : node.keys()) {
    std::string value;
    node.at(name).get(value);
    names.emplace_back(name, std::move(value));
  }
  return names;
}

// {protocol: NAME, files: {use: FILE}, optional_files: {use: FILE}, texts: {use: TEXT}}
JudgeSpec read_judge(const ConfigNode& node) {
  JudgeSpec judge;
  judge.where = node.where();
  node.require("protocol");
  node.read("protocol", judge.protocol);
  judge.files = read_names(node.at("files"));
  judge.optional_files = read_names(node.at("optional_files"));
  judge.texts = read_names(node.at("texts"));
  for (const auto& [key, files] :
       {std::pair("files", &judge.files), std::pair("optional_files", &judge.optional_files)}) {
    for (const auto& [name, file] : *files) {
      check_relative(file, node.at(key).at(name));
    }
  }
  node.finish();
  return judge;
}

// How responses are read; nothing where none is generated.
void read_readings(const ConfigNode& root, TaskSpec& task) {
  if (root.has("judge")) {
    task.judge = read_judge(root.at("judge"));
    for (const char* const key : {"study", "strict", "likelihood"}) {
      if (root.has(key)) {
        root.at(key).fault(fmt::format("'{}' has no place beside 'judge'", key));
      }
    }
    return;
  }
  root.require("answer");
  const bool is_generated =
      task.shots.empty() ||
      std::any_of(task.shots.begin(), task.shots.end(),
                  [](const ShotSpec& shot) { return shot.request == RequestKind::kGenerate; });
  if (is_generated) {
    root.require("study");
  }
  for (const auto& [key, reading] :
       {std::pair("study", &task.study), std::pair("strict", &task.strict)}) {
    if (root.has(key)) {
      *reading = read_reading(root.at(key));
    }
  }
}

}  // namespace

Extractor ReadingSpec::extractor() const {
  const ExtractorRow& row = find_entry(extractors(), "extractor", extract);
  return row.make(row.argument == ExtractorRow::Argument::kPattern ? pattern : options);
}

const ShotSpec* TaskSpec::find_shots(int64_t count) const {
  const auto found = std::find_if(shots.begin(), shots.end(),
                                  [count](const ShotSpec& shot) { return shot.shots == count; });
  return found == shots.end() ? nullptr : &*found;
}

TaskSpec read_task(const ConfigNode& root) {
  TaskSpec task;
  for (const char* const key : {"name", "file", "columns", "metric", "shots"}) {
    root.require(key);
  }
  root.read("name", task.name);
  if (task.name.find_first_of("/:, ") != std::string::npos) {
    root.at("name").fault("'" + task.name + "' must have no '/', ':', ',' or blank");
  }
  root.read("version", task.version, {.min = 1, .max = kMostRow});
  root.read("verified", task.is_verified);
  root.read("source", task.source);
  root.read("file", task.file);
  check_relative(task.file, root.at("file"));
  read_rows(root, task);
  task.columns = read_columns(root.at("columns"));
  read_answers(root, task);
  read_groups(root, task);
  task.subscores = read_columns(root.at("subscores"));
  read_likelihood(root, task);
  root.read("metric", task.metric);
  read_shots(root, task);
  read_readings(root, task);
  root.finish();
  root.check();
  return task;
}

TaskSpec load_task(const std::filesystem::path& path) {
  return read_task(ConfigNode::load(path));
}

}  // namespace sft
