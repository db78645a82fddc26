// `sft train`: fine-tunes a model as a config describes.

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "cli/command.h"
#include "cli/commands.h"
#include "cli/model_names.h"
#include "cli/train_config_file.h"

#include "sft/core/clock.h"
#include "sft/core/error.h"
#include "sft/estimate/estimate.h"
#include "sft/estimate/known_model.h"
#include "sft/estimate/train_config.h"
#include "sft/io/json.h"
#include "sft/train/train_run.h"

namespace sft {
namespace {

constexpr int kExitStopped = 75;

struct TrainFlags {
  std::string config;
  std::string output;
  std::string resume = "auto";
  bool is_plan = false;
};

TrainConfig load_config(const TrainFlags& flags, const CommonOptions& common) {
  std::vector<std::string> overrides = common.overrides;
  if (!flags.output.empty()) {
    overrides.push_back("output=" + Json(flags.output).dump());
  }
  return load_train_config(flags.config, overrides);
}

// A plan needs no weights: of a model that is not here, its shape in configs/models does.
Estimate make_plan(TrainConfig& config, TrainRunOptions& options, const CommonOptions& common) {
  std::error_code error;
  const std::optional<KnownModel> known =
      std::filesystem::exists(config.model, error) ? std::nullopt : find_known_model(config.model);
  CommonOptions without_download = common;
  without_download.is_offline = common.is_offline || known.has_value();
  try {
    resolve_train_inputs(config, options, without_download);
    return plan_training(config, options);
  } catch (const UsageError&) {
    throw;
  } catch (const Error& fault) {
    if (!known.has_value()) {
      throw;
    }
    spdlog::debug("[train] {}", fault.what());
    spdlog::warn("[train] {} is not here: planned from its shape, a token for each 4 bytes",
                 config.model);
    return plan_from_shape(config, known->shape, options);
  }
}

int print_plan(TrainConfig& config, TrainRunOptions& options, const CommonOptions& common) {
  const Estimate estimate = make_plan(config, options, common);
  fmt::print("{}", common.is_json ? dump_json(estimate_json(estimate), JsonLayout::kIndented)
                                  : estimate_text(estimate));
  return 0;
}

int train(const TrainFlags& flags, const CommonOptions& common) {
  TrainConfig config = load_config(flags, common);
  TrainRunOptions options;
  options.resume = flags.resume == "never" ? ResumePolicy::kNever : ResumePolicy::kAuto;
  options.is_quiet = common.is_quiet;
  if (flags.is_plan) {
    return print_plan(config, options, common);
  }
  resolve_train_inputs(config, options, common);
  const SystemClock clock;
  const TrainOutcome outcome = run_training(config, options, clock);
  const char* const status = outcome == TrainOutcome::kStopped ? "stopped" : "done";
  if (common.is_json) {
    fmt::print("{}\n", dump_json({{"output", config.output.string()}, {"status", status}},
                                 JsonLayout::kCompact));
  } else if (outcome == TrainOutcome::kStopped) {
    fmt::print("stopped and saved in {}; the same command continues\n", config.output.string());
  } else {
    fmt::print("{}: {}\n", config.output.string(),
               outcome == TrainOutcome::kWasDone ? "was done before" : "done");
  }
  return outcome == TrainOutcome::kStopped ? kExitStopped : 0;
}

}  // namespace

RunCommand define_train(CLI::App& app, const CommonOptions& common) {
  auto flags = std::make_shared<TrainFlags>();
  app.add_option("--config", flags->config,
                 "a config file, or the name of one in ./configs or the installed configs")
      ->required();
  app.add_option("--output", flags->output, "the run's folder [the config's output]");
  app.add_option("--resume", flags->resume,
                 "auto: continue a run that was stopped; never: an existing run is an error [auto]")
      ->check(CLI::IsMember({"auto", "never"}));
  app.add_flag("--plan", flags->is_plan,
               "train nothing; print steps, memory, disk and time, and whether it fits");
  return [flags, &common] { return train(*flags, common); };
}

}  // namespace sft
