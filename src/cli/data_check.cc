// sft data check: what should not be trained on.

#include <map>
#include <set>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/bench_files.h"
#include "cli/data_access.h"
#include "cli/data_command.h"
#include "cli/data_leakage.h"

#include "sft/core/error.h"
#include "sft/core/resources.h"
#include "sft/data/prepare.h"
#include "sft/data/sample_check.h"
#include "sft/io/jsonl.h"
#include "sft/tasks/task_selection.h"

namespace sft {
namespace {

constexpr size_t kMostLeaksShown = 10;

// A tokenizer by the name that the config gives it.
struct NamedLengths {
  std::string name;
  TokenCounts training;
};

// All that the check found.
struct Report {
  DataSummary data;
  ParityReport parity;
  std::vector<NamedLengths> lengths;
  SampleCheck samples;
  std::vector<LeakFinder::Task> tasks;
  std::vector<std::string> missing_tasks;
  std::vector<Leak> leaks;

  int64_t num_leaked(const std::string& task) const {
    std::set<std::string> questions;
    for (const Leak& leak : leaks) {
      if (leak.task == task) {
        questions.insert(leak.question);
      }
    }
    return std::ssize(questions);
  }
  // What ends the command with exit code 1.
  std::vector<std::string> faults() const {
    std::vector<std::string> faults;
    if (samples.template_in_response.count > 0) {
      faults.push_back(fmt::format("the template's text inside {} responses",
                                   samples.template_in_response.count));
    }
    for (const LeakFinder::Task& task : tasks) {
      if (const int64_t count = num_leaked(task.name); count > 0) {
        faults.push_back(fmt::format("{} questions of {}", count, task.name));
      }
    }
    return faults;
  }
};

std::vector<NamedLengths> named_lengths(const TrainConfig& config, const TokenizerSource& own,
                                        const PrepareOptions& options, const PreparedSet& set) {
  std::vector<NamedLengths> lengths = {
      {.name = config.model, .training = set.lengths_of(own.sha256).training}};
  for (const std::string& name : config.data.fits_tokenizers) {
    if (const TokenizerSource source = options.find_tokenizer(name); source.sha256 != own.sha256) {
      lengths.push_back({.name = name, .training = set.lengths_of(source.sha256).training});
    }
  }
  return lengths;
}

// Those that are named, else every one known.
std::vector<TaskChoice> chosen_tasks(const DataFlags& flags) {
  return choose_tasks(flags.tasks.empty() ? fmt::format("{}", fmt::join(config_names("tasks"), ","))
                                          : flags.tasks);
}

Report make_report(const DataFlags& flags, const CommonOptions& common) {
  const std::vector<TaskChoice> tasks = chosen_tasks(flags);
  const auto [config, own, options] = open_data(flags.config, common);
  PreparedData data = prepare(config.data, own, options);
  Report report = {.data = std::move(data.summary),
                   .parity = std::move(data.parity),
                   .lengths = {},
                   .samples = SampleCheck(load_template(config.data.layout), *own.load()),
                   .tasks = {},
                   .missing_tasks = {},
                   .leaks = {}};
  report.lengths = named_lengths(config, own, options, report.data.set);
  const LeakFinder finder(tasks, benchmark_folder(flags.data_dir));
  report.tasks = finder.tasks();
  report.missing_tasks = finder.missing();
  JsonlReader reader(report.data.set.training());
  while (const auto line = reader.next()) {
    const Sample sample = parse_sample_line(line->value, line->where);
    report.samples.add(sample);
    std::ranges::move(finder.find(sample), std::back_inserter(report.leaks));
  }
  return report;
}

struct NamedFinding {
  const char* name;
  const char* text;
  Finding finding;
};

std::vector<NamedFinding> findings_of(const SampleCheck& samples) {
  return {{"duplicates", "equal to an earlier sample", samples.duplicates},
          {"repeated_instructions", "an earlier sample's instruction with another answer",
           samples.repeated_instructions},
          {"template_in_response", "the template's text inside a response",
           samples.template_in_response},
          {"template_in_instruction", "the template's text inside an instruction",
           samples.template_in_instruction},
          {"special_tokens", "text that is read as a special token", samples.special_tokens},
          {"other_languages", "in another language than most", samples.other_languages()}};
}

void print_datasets(const Report& report) {
  for (const PreparedDataset& dataset : report.data.set.datasets) {
    fmt::print("{}: {} read, {}, {} kept, {} drawn\n", dataset.name, dataset.rows,
               dataset.dropped.text(), dataset.kept, dataset.sampled);
    for (const auto& [reason, sources] : dataset.dropped_examples) {
      fmt::print("  {}: {}\n", drop_reason_name(reason), fmt::join(sources, ", "));
    }
  }
}

void print_lengths(const Report& report) {
  fmt::print("\ntokens of a sample\n");
  for (const NamedLengths& lengths : report.lengths) {
    const TokenCounts& counts = lengths.training;
    fmt::print("{}: mean {:.1f}, longest {}\n", lengths.name, counts.data_size().mean_tokens,
               counts.max_tokens);
    for (size_t width = 1; width < counts.by_length.size(); ++width) {
      const int64_t count = counts.by_length.at(width);
      if (count > 0) {
        constexpr int64_t kLongestBar = 40;
        const int64_t bar = (kLongestBar * count + counts.samples - 1) / counts.samples;
        fmt::print("  {:>7} to {:<7} {:>8}  {}\n", int64_t{1} << (width - 1),
                   (int64_t{1} << width) - 1, count, std::string(static_cast<size_t>(bar), '#'));
      }
    }
  }
}

void print_findings(const Report& report) {
  fmt::print("\nsamples\n");
  for (const auto& [name, text, finding] : findings_of(report.samples)) {
    fmt::print("{:>8}  {}\n", finding.count, text);
    for (const std::string& example : finding.examples) {
      fmt::print("          {}\n", example);
    }
  }
  fmt::print("\nprompts\n");
  for (const std::string& line : report.parity.lines()) {
    fmt::print("  {}\n", line);
  }
  if (report.parity.lines().empty()) {
    fmt::print("  all {} are sent as the tokens trained on\n", report.parity.prompts);
  }
}

void print_leaks(const Report& report) {
  fmt::print("\nbenchmark questions in the training data\n");
  for (const LeakFinder::Task& task : report.tasks) {
    fmt::print("{:>8}  of {} {}\n", report.num_leaked(task.name), task.num_questions, task.name);
    size_t shown = 0;
    for (const Leak& leak : report.leaks) {
      if (leak.task == task.name && shown++ < kMostLeaksShown) {
        fmt::print("          question {} ({}, {:.0f}% of it) in {}: {}: \"{}\"\n", leak.question,
                   leak.column, 100 * leak.coverage, leak.dataset, leak.source, leak.words);
      }
    }
  }
  for (const std::string& task : report.missing_tasks) {
    fmt::print("not looked for: {} is missing\n", task);
  }
}

Json leaks_json(const Report& report) {
  Json tasks = Json::array();
  for (const LeakFinder::Task& task : report.tasks) {
    Json found = Json::array();
    for (const Leak& leak : report.leaks) {
      if (leak.task == task.name) {
        found.push_back({{"question", leak.question},
                         {"column", leak.column},
                         {"coverage", leak.coverage},
                         {"words", leak.words},
                         {"sample", leak.sample},
                         {"dataset", leak.dataset},
                         {"source", leak.source}});
      }
    }
    tasks.push_back({{"task", task.name},
                     {"questions", task.num_questions},
                     {"num_found", report.num_leaked(task.name)},
                     {"found", std::move(found)}});
  }
  return tasks;
}

Json parity_json(const ParityReport& parity) {
  const auto part = [](int64_t count, const std::optional<PromptDifference>& example) {
    Json json = {{"num_different", count}};
    if (example) {
      json["example"] = {
          {"sample", example->sample}, {"trained", example->trained}, {"sent", example->sent}};
    }
    return json;
  };
  return {{"prompts", parity.prompts},
          {"trimmed", part(parity.num_trimmed, parity.trimmed)},
          {"exact", part(parity.num_exact, parity.exact)}};
}

Json report_json(const Report& report) {
  Json datasets = Json::array();
  for (const PreparedDataset& dataset : report.data.set.datasets) {
    Json dropped = Json::object();
    for (size_t i = 0; i < kNumDropReasons; ++i) {
      const auto reason = static_cast<DropReason>(i);
      dropped[std::string(drop_reason_name(reason))] = dataset.dropped.of(reason);
    }
    datasets.push_back({{"name", dataset.name},
                        {"read", dataset.rows},
                        {"dropped", std::move(dropped)},
                        {"kept", dataset.kept},
                        {"sampled", dataset.sampled}});
  }
  Json lengths = Json::array();
  for (const NamedLengths& named : report.lengths) {
    Json histogram = Json::array();
    for (size_t width = 1; width < named.training.by_length.size(); ++width) {
      if (const int64_t count = named.training.by_length.at(width); count > 0) {
        histogram.push_back({{"from", int64_t{1} << (width - 1)},
                             {"to", (int64_t{1} << width) - 1},
                             {"samples", count}});
      }
    }
    lengths.push_back({{"tokenizer", named.name},
                       {"mean", named.training.data_size().mean_tokens},
                       {"max", named.training.max_tokens},
                       {"histogram", std::move(histogram)}});
  }
  Json samples = Json::object();
  for (const auto& [name, text, finding] : findings_of(report.samples)) {
    samples[name] = {{"count", finding.count}, {"examples", finding.examples}};
  }
  return {{"datasets", std::move(datasets)}, {"lengths", std::move(lengths)},
          {"samples", std::move(samples)},   {"prompts", parity_json(report.parity)},
          {"leakage", leaks_json(report)},   {"not_looked_for", report.missing_tasks},
          {"faults", report.faults()}};
}

}  // namespace

int check_data(const DataFlags& flags, const CommonOptions& common) {
  const Report report = make_report(flags, common);
  if (common.is_json) {
    fmt::print("{}", dump_json(report_json(report), JsonLayout::kIndented));
  } else {
    print_datasets(report);
    print_lengths(report);
    print_findings(report);
    print_leaks(report);
  }
  if (const std::vector<std::string> faults = report.faults(); !faults.empty()) {
    throw Error(fmt::format("data check: not to be trained on: {}", fmt::join(faults, "; ")));
  }
  return 0;
}

}  // namespace sft
