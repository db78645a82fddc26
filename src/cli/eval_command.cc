// `sft eval`: benchmarks asked and scored.

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include "cli/bench_files.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/eval_given.h"
#include "cli/eval_helpers.h"
#include "cli/eval_options.h"
#include "cli/eval_session.h"
#include "cli/model_names.h"
#include "cli/model_source.h"

#include "sft/core/clock.h"
#include "sft/core/error.h"
#include "sft/core/interrupt.h"
#include "sft/core/resources.h"
#include "sft/eval/cached_language_model.h"
#include "sft/eval/evaluation_folder.h"
#include "sft/eval/evaluator.h"
#include "sft/infer/load.h"
#include "sft/io/json.h"
#include "sft/tasks/task_selection.h"
#include "sft/text/checkpoint_template.h"

namespace sft {
namespace {

namespace fs = std::filesystem;

// Whether sft made the checkpoint.
bool is_made_here(const fs::path& checkpoint) {
  const fs::path path = checkpoint / "sft.json";
  if (!fs::exists(path)) {
    return false;
  }
  const Json json = read_json(path);
  const Json origin = json.is_object() ? json.value("origin", Json()) : Json();
  return origin == "train" || origin == "merge";
}

// The models to score: each --ckpt, or each --adapter on the one --ckpt.
std::vector<ModelSource> model_sources(const EvalOptions& options, const CommonOptions& common) {
  if (!options.adapters.empty() && options.checkpoints.size() > 1) {
    throw UsageError("--adapter needs one --ckpt, the model that it was trained on; there are " +
                     std::to_string(options.checkpoints.size()));
  }
  std::vector<ModelSource> sources;
  for (const std::string& adapter : options.adapters) {
    sources.push_back(resolve_model(options.checkpoints.front(), adapter, common));
  }
  if (sources.empty()) {
    for (const std::string& checkpoint : options.checkpoints) {
      sources.push_back(resolve_model(checkpoint, "", common));
    }
  }
  return sources;
}

// One of several models gets a folder of its own below --output. A checkpoint in the hub's cache is
// not ours to write into.
fs::path output_folder(const EvalOptions& options, const std::string& checkpoint,
                       bool has_company) {
  const std::string name = short_model_name(checkpoint);
  if (!options.output.empty()) {
    return has_company ? fs::path(options.output) / name : fs::path(options.output);
  }
  return is_made_here(checkpoint) ? fs::path(checkpoint) / "eval"
                                  : fs::path("runs") / "eval" / name;
}

// Several checkpoints of one name would write to one folder below --output.
void check_names(const EvalOptions& options, const std::vector<ModelSource>& sources) {
  std::set<std::string> names;
  for (const ModelSource& source : sources) {
    const std::string name = short_model_name(source.name);
    if (!names.insert(name).second && !options.output.empty()) {
      throw UsageError("--output " + options.output + ": two checkpoints are called '" + name +
                       "'; evaluate them one by one, or leave --output out");
    }
  }
}

PromptEnd prompt_end(const EvalOptions& options) {
  return options.prompt_end == "trimmed" ? PromptEnd::kTrimmed : PromptEnd::kExact;
}

LoadOptions::DType dtype(const EvalOptions& options) {
  if (options.dtype.empty()) {
    return LoadOptions::DType::kAuto;
  }
  return options.dtype == "float32" ? LoadOptions::DType::kFloat32 : LoadOptions::DType::kBf16;
}

// Loads models one after another; those on one base share its weights.
class ModelLoader {
 public:
  explicit ModelLoader(const EvalOptions& options)
      : dtype_(dtype(options)),
        hash_memory_(options.has_no_cache ? fs::path() : sft_home() / "weights.jsonl") {}

  const LoadedModel& load(const ModelSource& source) {
    if (loaded_.has_value() && fs::equivalent(loaded_->folder, source.base)) {
      change_adapter(*loaded_, source.adapter);
    } else {
      loaded_.reset();  // before the next: two would not always fit
      loaded_ = load_language_model({.folder = source.base,
                                     .adapter = source.adapter,
                                     .dtype = dtype_,
                                     .hash_memory = hash_memory_});
    }
    return *loaded_;
  }

 private:
  LoadOptions::DType dtype_;
  fs::path hash_memory_;
  std::optional<LoadedModel> loaded_;
};

// A loaded model behind the answers that are known of it.
class RememberedModel {
 public:
  RememberedModel(const LoadedModel& loaded, const EvalOptions& options) : loaded_(loaded) {
    if (!options.has_no_cache) {
      cache_ = std::make_unique<ResponseCache>(sft_home() / "responses", model_key(loaded_));
      cached_ = std::make_unique<CachedLanguageModel>(*loaded_.model, *cache_);
    }
  }
  LanguageModel& model() {
    return cached_ ? *cached_ : static_cast<LanguageModel&>(*loaded_.model);
  }

 private:
  const LoadedModel& loaded_;
  std::unique_ptr<ResponseCache> cache_;
  std::unique_ptr<CachedLanguageModel> cached_;
};

// What all models of a command have in common.
struct Round {
  const EvalOptions& options;
  const std::vector<Benchmark>& benchmarks;
  const InterruptScope& interrupt;
  JudgeAccess judge;
  const CodeRunner* code_runner = nullptr;  // where a task runs programs
  bool is_quiet = false;
  bool is_json = false;
  bool has_company = false;  // there are several models
};

// What could not be scored, and why.
std::vector<std::string> evaluate_checkpoint(const ModelSource& source, ModelLoader& loader,
                                             const Round& round) {
  const EvalOptions& options = round.options;
  if (!fs::is_directory(source.base)) {
    throw Error("--ckpt " + source.base.string() + ": is a file; name a model folder");
  }
  const std::optional<Template> layout =
      choose_template(options.template_name, source.checkpoint());
  if (layout) {
    meta_template(*layout, prompt_end(options));  // its faults before the model's loading
  }
  const fs::path folder = output_folder(options, source.name, round.has_company);
  check_evaluation_folder(folder);
  const LoadedModel& loaded = loader.load(source);
  RememberedModel remembered(loaded, options);
  EvalSession session(EvaluationFolder(folder,
                                       {.name = short_model_name(source.name),
                                        .weights_sha256 = loaded.weights_sha256,
                                        .adapter_sha256 = loaded.adapter_sha256},
                                       layout ? layout->name : std::string(kNoTemplate)),
                      round.judge, round.is_quiet);
  const Evaluator evaluator(remembered.model(), layout,
                            {.prompt_end = prompt_end(options),
                             .dtype = loaded.dtype,
                             .max_new_tokens = options.max_new_tokens,
                             .limits = options.limits,
                             .code_runner = round.code_runner});
  for (const Benchmark& benchmark : round.benchmarks) {
    if (benchmark.data) {
      session.run(benchmark, evaluator, round.interrupt);
    } else if (!benchmark.missing_file.empty()) {
      session.skip(benchmark);
    }
  }
  session.print(round.is_json);
  return session.failures();
}

// Warns of each missing file, and says in one line what is missing.
std::string report_missing(const std::vector<Benchmark>& benchmarks, const fs::path& data_dir) {
  std::string missing;
  for (const Benchmark& benchmark : benchmarks) {
    if (!benchmark.data) {
      spdlog::warn("[eval] skipped task={} missing={}; sft data fetch bench gets it",
                   task_name(benchmark), (data_dir / benchmark.missing_file).string());
      missing += (missing.empty() ? "" : ", ") + benchmark.missing_file;
    }
  }
  return missing;
}

int evaluate_checkpoints(const EvalOptions& options, const CommonOptions& common) {
  TaskSelection selection =
      select_tasks(options.tasks, is_judge_configured() ? Judge::kConfigured : Judge::kNone);
  std::optional<InterruptScope> interrupt;  // from when there is something to save
  std::optional<ConfiguredJudge> judge = make_judge(selection.tasks, options, interrupt);
  const std::vector<ModelSource> sources = model_sources(options, common);
  check_names(options, sources);
  const fs::path data_dir = benchmark_folder(options.data_dir);
  for (const std::string& task : selection.left_out) {
    spdlog::warn("[eval] skipped task={} reason=no judge is configured; set SFT_JUDGE_URL", task);
  }
  const std::vector<Benchmark> benchmarks =
      load_benchmarks(std::move(selection.tasks), data_dir, options.limits);
  const std::string missing = report_missing(benchmarks, data_dir);
  const std::unique_ptr<CodeRunner> code_runner =
      make_code_runner(benchmarks, options, common.threads);
  interrupt.emplace();
  ModelLoader loader(options);
  std::vector<std::string> failures;
  for (const ModelSource& source : sources) {
    const std::vector<std::string> own = evaluate_checkpoint(source, loader,
                                                             {.options = options,
                                                              .benchmarks = benchmarks,
                                                              .interrupt = *interrupt,
                                                              .judge = access_to(judge, options),
                                                              .code_runner = code_runner.get(),
                                                              .is_quiet = common.is_quiet,
                                                              .is_json = common.is_json,
                                                              .has_company = sources.size() > 1});
    failures.insert(failures.end(), own.begin(), own.end());
  }
  if (!failures.empty()) {
    throw Error(fmt::format("{}", fmt::join(failures, "; ")));
  }
  const bool has_run = std::any_of(benchmarks.begin(), benchmarks.end(),
                                   [](const Benchmark& one) { return one.data.has_value(); });
  if (!missing.empty() && (!has_run || options.must_have_all)) {
    throw Error(
        fmt::format("{}: no {}; sft data fetch bench gets what is public, --data-dir or "
                    "SFT_DATA_DIR chooses the folder",
                    data_dir.string(), missing));
  }
  return 0;
}

}  // namespace

RunCommand define_eval(CLI::App& app, const CommonOptions& common) {
  const auto options = std::make_shared<EvalOptions>();
  define_eval_flags(app, *options);
  return [options, &common] {
    check_eval_options(*options);
    return options->is_given() ? score_given(*options, common)
                               : evaluate_checkpoints(*options, common);
  };
}

}  // namespace sft
