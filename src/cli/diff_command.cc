// `sft diff`: two evaluations, question by question.

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/command.h"
#include "cli/commands.h"

#include "sft/core/error.h"
#include "sft/io/jsonl.h"
#include "sft/results/paired.h"

namespace sft {
namespace {

namespace fs = std::filesystem;

constexpr size_t kLongestShown = 40;

struct DiffOptions {
  std::string a;
  std::string b;
  std::string task;  // "": all
  size_t num_shown = 10;
};

struct TaskDiff {
  std::string task;  // "gsm8k:4"
  PairedComparison comparison;
};

// "gsm8k_4shot.jsonl" as "gsm8k:4"; "" for other names.
std::string task_of_file(const fs::path& path) {
  const std::string stem = path.stem().string();
  const size_t mark = stem.rfind('_');
  if (path.extension() != ".jsonl" || mark == std::string::npos || !stem.ends_with("shot")) {
    return {};
  }
  return stem.substr(0, mark) + ":" + stem.substr(mark + 1, stem.size() - mark - 5);
}

// The folder of samples of an evaluation; `folder` may be a checkpoint that holds one.
fs::path samples_folder(const std::string& folder) {
  for (const fs::path& path :
       {fs::path(folder) / "samples", fs::path(folder) / "eval" / "samples"}) {
    if (fs::is_directory(path)) {
      return path;
    }
  }
  throw Error(folder + ": holds no samples/; give a folder that sft eval wrote");
}

std::vector<SampleRecord> read_samples(const fs::path& path) {
  std::vector<SampleRecord> samples;
  JsonlReader reader(path);
  while (const std::optional<JsonlReader::Row> row = reader.next()) {
    samples.push_back(sample_from_json(row->value, row->where));
  }
  return samples;
}

bool is_wanted(const std::string& task, const DiffOptions& options) {
  return options.task.empty() || task == options.task ||
         task.substr(0, task.find(':')) == options.task;
}

std::vector<TaskDiff> compare(const DiffOptions& options) {
  const fs::path folder_a = samples_folder(options.a);
  const fs::path folder_b = samples_folder(options.b);
  std::vector<fs::path> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder_a)) {
    const std::string task = task_of_file(entry.path());
    if (!task.empty() && is_wanted(task, options) &&
        fs::exists(folder_b / entry.path().filename())) {
      files.push_back(entry.path().filename());
    }
  }
  if (files.empty()) {
    throw Error(fmt::format("{} and {}: no task{} is in both", options.a, options.b,
                            options.task.empty() ? "" : " '" + options.task + "'"));
  }
  std::sort(files.begin(), files.end());
  std::vector<TaskDiff> diffs;
  for (const fs::path& file : files) {
    try {
      diffs.push_back({.task = task_of_file(file),
                       .comparison = compare_samples(read_samples(folder_a / file),
                                                     read_samples(folder_b / file))});
    } catch (const Error& error) {
      throw Error(file.string() + ": " + error.what());
    }
  }
  return diffs;
}

// One line, cut where it is long.
std::string shown(const std::string& text) {
  std::string line;
  for (const char byte : text) {
    const bool starts_character = (byte & 0xc0) != 0x80;
    if (line.size() >= kLongestShown && starts_character) {
      return line + "...";
    }
    line += byte == '\n' || byte == '\r' || byte == '\t' ? ' ' : byte;
  }
  return line.empty() ? "(nothing)" : line;
}

void print_changed(const TaskDiff& diff, size_t num_shown) {
  const std::vector<ChangedQuestion>& changed = diff.comparison.changed;
  for (size_t i = 0; i < std::min(changed.size(), num_shown); ++i) {
    const ChangedQuestion& question = changed[i];
    fmt::print("  {} {} {}: {} -> {}, right is {}\n", diff.task, question.id,
               question.is_fixed ? "fixed" : "broken", shown(question.extracted_a),
               shown(question.extracted_b), shown(question.reference));
  }
  if (changed.size() > num_shown) {
    fmt::print("  {} {} more changed; --show {} shows all\n", diff.task, changed.size() - num_shown,
               changed.size());
  }
}

void print_text(const DiffOptions& options, const std::vector<TaskDiff>& diffs) {
  fmt::print("A: {}\nB: {}\n", options.a, options.b);
  fmt::print("{:<14} {:>6} {:>7} {:>7} {:>7} {:>18} {:>6} {:>6} {:>6} {:>6} {:>9}\n", "task", "n",
             "A", "B", "B - A", "95 % interval", "fixed", "broken", "right", "wrong", "p");
  for (const TaskDiff& diff : diffs) {
    const PairedComparison& one = diff.comparison;
    fmt::print("{:<14} {:>6} {:>7.2f} {:>7.2f} {:>+7.2f} {:>18} {:>6} {:>6} {:>6} {:>6} {:>9.2g}\n",
               diff.task, one.n, one.score_a, one.score_b, one.score_b - one.score_a,
               fmt::format("{:+.2f} .. {:+.2f}", one.difference.low, one.difference.high),
               one.fixed, one.broken, one.both_right, one.both_wrong, one.p_value);
  }
  for (const TaskDiff& diff : diffs) {
    if (diff.comparison.only_a + diff.comparison.only_b > 0) {
      fmt::print("{}: {} questions are in A alone, {} in B alone; they do not count\n", diff.task,
                 diff.comparison.only_a, diff.comparison.only_b);
    }
  }
  for (const TaskDiff& diff : diffs) {
    print_changed(diff, options.num_shown);
  }
}

Json to_json(const TaskDiff& diff) {
  const PairedComparison& one = diff.comparison;
  Json changed = Json::array();
  for (const ChangedQuestion& question : one.changed) {
    changed.push_back({{"id", question.id},
                       {"change", question.is_fixed ? "fixed" : "broken"},
                       {"extracted_a", question.extracted_a},
                       {"extracted_b", question.extracted_b},
                       {"reference", question.reference}});
  }
  return {{"task", diff.task},
          {"n", one.n},
          {"only_a", one.only_a},
          {"only_b", one.only_b},
          {"score_a", one.score_a},
          {"score_b", one.score_b},
          {"difference", one.score_b - one.score_a},
          {"interval", {one.difference.low, one.difference.high}},
          {"fixed", one.fixed},
          {"broken", one.broken},
          {"both_right", one.both_right},
          {"both_wrong", one.both_wrong},
          {"p", one.p_value},
          {"changed", std::move(changed)}};
}

int diff(const DiffOptions& options, const CommonOptions& common) {
  const std::vector<TaskDiff> diffs = compare(options);
  if (!common.is_json) {
    print_text(options, diffs);
    return 0;
  }
  Json tasks = Json::array();
  for (const TaskDiff& one : diffs) {
    tasks.push_back(to_json(one));
  }
  fmt::print("{}\n", dump_json({{"a", options.a}, {"b", options.b}, {"tasks", std::move(tasks)}},
                               JsonLayout::kCompact));
  return 0;
}

}  // namespace

RunCommand define_diff(CLI::App& app, const CommonOptions& common) {
  const auto options = std::make_shared<DiffOptions>();
  app.add_option("a", options->a, "folder that sft eval wrote, or a checkpoint with one")
      ->required();
  app.add_option("b", options->b, "the same of the other model")->required();
  app.add_option("--task", options->task, "only this one: name[:shots]");
  app.add_option("--show", options->num_shown, "changed questions shown of each task")
      ->capture_default_str();
  return [options, &common] { return diff(*options, common); };
}

}  // namespace sft
