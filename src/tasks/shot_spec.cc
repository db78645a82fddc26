// What a task's file says of one number of shots.

#include "tasks/shot_spec.h"

#include <algorithm>
#include <charconv>
#include <filesystem>

#include <fmt/format.h>

#include "sft/core/table.h"

namespace sft {
namespace {

// OpenCompass 0.3.9's own default where a task sets no length and its model's config holds.
constexpr int64_t kInheritedMaxNewTokens = 100;
constexpr double kMostNewTokens = 1 << 20;
constexpr double kMostRow = 1e9;
constexpr std::string_view kOwnAnswer = "{response}";

constexpr std::pair<std::string_view, RequestKind> kRequests[] = {
    {"generate", RequestKind::kGenerate}, {"likelihood", RequestKind::kLikelihood}};

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

// `bot: "{response}"` before the last item is the model's own answer.
void mark_own_answers(ShotSpec& shot, const std::vector<std::string>& columns,
                      const ConfigNode& node) {
  for (size_t i = 0; i + 1 < shot.rounds.size(); ++i) {
    RoundItem& item = shot.rounds[i];
    item.is_own_answer =
        item.role == Role::kBot && item.text == kOwnAnswer && !contains(columns, "response");
  }
  if (shot.num_turns() > 1 && (shot.shots > 0 || !shot.begin.empty())) {
    node.at("rounds").fault("a question in several turns has neither 'begin' nor 'exemplars'");
  }
}

}  // namespace

size_t ShotSpec::num_turns() const {
  return 1 +
         static_cast<size_t>(std::count_if(rounds.begin(), rounds.end(), [](const RoundItem& item) {
           return item.is_own_answer;
         }));
}

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

std::vector<RoundItem> read_rounds(const ConfigNode& node,
                                   const std::vector<std::string>& columns) {
  std::vector<RoundItem> rounds;
  for (const ConfigNode& item : node.items()) {
    const bool is_human = item.has("human");
    if (!item.is_map() || item.keys().size() != 1 || (!is_human && !item.has("bot"))) {
      item.fault("an item of a conversation must be {human: TEXT} or {bot: TEXT}");
      continue;
    }
    RoundItem round{
        .role = is_human ? Role::kHuman : Role::kBot, .text = {}, .is_own_answer = false};
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

ShotSpec read_shot(const std::string& key, const ConfigNode& node, const TaskSpec& task) {
  ShotSpec shot;
  const auto [stop, error] = std::from_chars(key.data(), key.data() + key.size(), shot.shots);
  if (error != std::errc() || stop != key.data() + key.size() || shot.shots < 0) {
    node.fault("'" + key + "' must be a number of worked examples");
  }
  const std::vector<std::string> columns = column_names(task.columns);
  shot.begin = read_rounds(node.at("begin"), columns);
  node.read_choice("request", shot.request, kRequests);
  const bool is_generated = shot.request == RequestKind::kGenerate;
  if (!is_generated && !task.likelihood) {
    node.at("request").fault("'request: likelihood' needs the task to have 'likelihood'");
  }
  const bool has_own_rounds =
      is_generated || node.has("rounds") || !task.likelihood || task.likelihood->rounds.empty();
  if (has_own_rounds) {
    node.require("rounds");
    shot.rounds = read_rounds(node.at("rounds"), columns);
    if (shot.rounds.empty() || shot.rounds.front().role != Role::kHuman) {
      node.at("rounds").fault("'rounds' must begin with an item {human: TEXT}");
    }
    mark_own_answers(shot, columns, node);
  }
  if (node.has("exemplars")) {
    shot.exemplars = read_exemplars(node.at("exemplars"), task, shot.shots);
  } else if (shot.shots > 0) {
    node.fault(fmt::format("{} shots need 'exemplars'", shot.shots));
  }
  shot.max_new_tokens = is_generated ? kInheritedMaxNewTokens : 0;
  node.read("max_new_tokens", shot.max_new_tokens, {.min = 1, .max = kMostNewTokens});
  node.read("stops", shot.stops);
  if (contains(shot.stops, "")) {
    node.at("stops").fault("an empty text would stop every response");
  }
  node.finish();
  return shot;
}

}  // namespace sft
