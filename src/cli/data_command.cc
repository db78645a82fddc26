// sft data: a run's training data, before it is trained on.

#include "cli/data_command.h"

#include <filesystem>
#include <memory>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/data_access.h"

#include "sft/core/error.h"
#include "sft/data/prepare.h"
#include "sft/io/file.h"

namespace sft {
namespace {

namespace fs = std::filesystem;

// A folder that an earlier `sft data prepare` wrote may be replaced, nothing else.
AtomicFolder::Existing existing_at(const fs::path& output) {
  std::error_code error;
  const bool is_ours = fs::exists(output / "data.json", error) &&
                       fs::exists(output / "train.jsonl", error) &&
                       !fs::exists(output / "run.json", error);
  return is_ours ? AtomicFolder::Existing::kReplace : AtomicFolder::Existing::kRefuse;
}

void print_summary(const DataSummary& data, const std::string& output) {
  for (const PreparedDataset& dataset : data.set.datasets) {
    fmt::print("{}: {} read, {}, {} kept, {} drawn\n", dataset.name, dataset.rows,
               dataset.dropped.text(), dataset.kept, dataset.sampled);
  }
  const auto print_counts = [](const char* what, const TokenCounts& counts) {
    fmt::print("{}: {} samples, {} tokens, {} trained on, the longest {}\n", what, counts.samples,
               counts.tokens, counts.targets, counts.max_tokens);
  };
  print_counts("training", data.training);
  if (data.validation.samples > 0) {
    print_counts("validation", data.validation);
  }
  fmt::print("{}: {}\n", output, data.set.is_new ? "prepared" : "was prepared before");
}

}  // namespace

int prepare_data(const DataFlags& flags, const CommonOptions& common) {
  const DataAccess access = open_data(flags.config, common);
  AtomicFolder folder(flags.output, existing_at(flags.output));
  const DataSummary data = summarize_data(access.config.data, access.own, access.options);
  write_copy(data.set.training(), folder.staging() / "train.jsonl");
  std::error_code error;
  if (fs::exists(data.set.validation(), error)) {
    write_copy(data.set.validation(), folder.staging() / "validation.jsonl");
  }
  write_file(folder.staging() / "data.json",
             dump_json(data_json(access.config.data, data), JsonLayout::kIndented));
  folder.commit();
  if (common.is_json) {
    fmt::print("{}\n", dump_json({{"output", flags.output},
                                  {"set", data.set.sha256},
                                  {"is_new", data.set.is_new},
                                  {"samples", data.training.samples},
                                  {"tokens", data.training.tokens}},
                                 JsonLayout::kCompact));
  } else {
    print_summary(data, flags.output);
  }
  return 0;
}

RunCommand define_data(CLI::App& app, const CommonOptions& common) {
  const auto flags = std::make_shared<DataFlags>();
  app.require_subcommand(1);
  CLI::App* const fetch =
      app.add_subcommand("fetch", "download datasets, or bench: the files of the benchmarks");
  fetch->fallthrough();  // common flags may stand behind the verb
  fetch->add_option("names", flags->names,
                    "names of datasets, hub ids (owner/name), bench, bench/NAME");
  fetch->add_flag("--list", flags->is_list, "what there is, how large, under which licence");
  fetch->add_option("--data-dir", flags->data_dir,
                    "where bench goes [SFT_DATA_DIR, or $SFT_HOME/bench]");
  const auto add = [&](const char* name, const char* summary) {
    CLI::App* const verb = app.add_subcommand(name, summary);
    verb->fallthrough();
    verb->add_option("--config", flags->config, "the config of `sft train`")->required();
    return verb;
  };
  CLI::App* const prepare = add(
      "prepare", "do what `train` does before its first step, and write what it would train on");
  prepare->add_option("--output", flags->output, "a folder for train.jsonl and data.json")
      ->required();
  CLI::App* const show =
      add("show", "samples as the model sees them, what is trained on in colour");
  show->add_option("--n", flags->num_shown, "how many [5]")->check(CLI::PositiveNumber);
  show->add_option("--color", flags->color, "auto: where stdout is a terminal [auto]")
      ->check(CLI::IsMember({"auto", "always", "never"}));
  CLI::App* const check =
      add("check", "find what should not be trained on: duplicates, benchmark questions, ...");
  check->add_option("--tasks", flags->tasks, "benchmarks to look for [all that are known]");
  check->add_option("--data-dir", flags->data_dir,
                    "folder of benchmark files [SFT_DATA_DIR, or $SFT_HOME/bench]");
  return [flags, &common, fetch, prepare, show] {
    return fetch->parsed()     ? fetch_data(*flags, common)
           : prepare->parsed() ? prepare_data(*flags, common)
           : show->parsed()    ? show_data(*flags, common)
                               : check_data(*flags, common);
  };
}

}  // namespace sft
