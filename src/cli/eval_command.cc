// `sft eval`: benchmarks asked and scored.

#include <algorithm>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include "cli/bench_files.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/eval_session.h"
#include "cli/judge_flags.h"
#include "cli/model_names.h"
#include "cli/model_source.h"
#include "cli/open_sandbox.h"

#include "sft/core/clock.h"
#include "sft/core/error.h"
#include "sft/core/interrupt.h"
#include "sft/core/resources.h"
#include "sft/eval/cached_language_model.h"
#include "sft/eval/evaluation_folder.h"
#include "sft/eval/evaluator.h"
#include "sft/eval/given_responses.h"
#include "sft/eval/judged_task.h"
#include "sft/infer/load.h"
#include "sft/io/json.h"
#include "sft/tasks/task_selection.h"
#include "sft/text/checkpoint_template.h"

namespace sft {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kNoTemplate = "none";
constexpr int64_t kMostQuestions = 1'000'000'000;

struct EvalOptions {
  std::vector<std::string> checkpoints;
  std::vector<std::string> adapters;
  std::string tasks = "paper";
  std::string output;
  std::string data_dir;
  QuestionLimits limits;
  std::string template_name = "auto";
  std::string prompt_end = "exact";
  std::string dtype;  // "": as the hardware has it
  int64_t max_new_tokens = 0;
  bool must_have_all = false;
  bool has_no_cache = false;
  bool is_unsandboxed_allowed = false;
  std::string responses;
  std::string judgements;
  std::string given_task;  // what either of these answers
  JudgeOptions judge;
};

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

// The judge, where one of the tasks needs it.
std::optional<ConfiguredJudge> make_judge(const std::vector<TaskChoice>& tasks,
                                          const EvalOptions& options,
                                          const std::optional<InterruptScope>& interrupt) {
  if (std::none_of(tasks.begin(), tasks.end(),
                   [](const TaskChoice& task) { return task.spec.judge.has_value(); })) {
    return std::nullopt;
  }
  using Memory = ConfiguredJudge::Memory;
  return std::optional<ConfiguredJudge>(
      std::in_place, options.judge, options.has_no_cache ? Memory::kNone : Memory::kKept,
      [&interrupt] { return interrupt && interrupt->requested(); });
}

JudgeAccess access_to(std::optional<ConfiguredJudge>& judge, const EvalOptions& options) {
  return {.model = judge ? &judge->model() : nullptr, .options = options.judge};
}

// What runs the programs of those tasks that have such; none where there are none.
std::unique_ptr<CodeRunner> make_code_runner(const std::vector<Benchmark>& benchmarks,
                                             const EvalOptions& options, int threads) {
  std::string tasks;
  for (const Benchmark& benchmark : benchmarks) {
    if (benchmark.runs_code && benchmark.data) {
      tasks += (tasks.empty() ? "" : ",") + task_name(benchmark);
    }
  }
  return tasks.empty() ? nullptr
                       : open_sandbox(tasks,
                                      options.is_unsandboxed_allowed ? UnsandboxedCode::kAllowed
                                                                     : UnsandboxedCode::kRefused,
                                      threads);
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

// The one task that --task names; a judge is there where its responses need one.
std::vector<TaskChoice> choose_given_task(const EvalOptions& options) {
  std::vector<TaskChoice> tasks = choose_tasks(options.given_task);
  if (tasks.size() != 1) {
    throw UsageError("--task " + options.given_task + ": must name one task");
  }
  const bool is_judged = tasks.front().spec.judge.has_value();
  if (!options.judgements.empty() && !is_judged) {
    throw UsageError("--task " + options.given_task +
                     ": is not scored by a judge; --responses takes its answers");
  }
  if (options.judgements.empty() && is_judged && !is_judge_configured()) {
    throw UsageError("--task " + options.given_task + ": " + kNeedsJudge +
                     "; or give stored verdicts by --judgements");
  }
  return tasks;
}

// Scores what was given: responses, or verdicts on responses.
int score_given(const EvalOptions& options, const CommonOptions& common) {
  const fs::path data_dir = benchmark_folder(options.data_dir);
  std::vector<TaskChoice> tasks = choose_given_task(options);
  std::optional<InterruptScope> interrupt;
  std::optional<ConfiguredJudge> judge =
      options.judgements.empty() ? make_judge(tasks, options, interrupt) : std::nullopt;
  if (judge) {
    interrupt.emplace();
  }
  const fs::path given = options.judgements.empty() ? options.responses : options.judgements;
  const std::vector<Benchmark> benchmarks = load_benchmarks(std::move(tasks), data_dir, {});
  if (!benchmarks.front().data) {
    throw Error((data_dir / benchmarks.front().missing_file).string() +
                ": no such file; sft data fetch bench gets what is public, --data-dir or "
                "SFT_DATA_DIR chooses the folder");
  }
  const std::unique_ptr<CodeRunner> code_runner =
      make_code_runner(benchmarks, options, common.threads);
  const SystemClock clock;
  const double start = clock.monotonic_seconds();
  const std::string name = given.stem().string();
  const fs::path folder =
      options.output.empty() ? fs::path("runs") / "eval" / name : fs::path(options.output);
  EvalSession session(
      EvaluationFolder(folder, {.name = name, .weights_sha256 = {}, .adapter_sha256 = {}},
                       std::string(kNoTemplate)),
      access_to(judge, options), common.is_quiet);
  const TaskOutcome outcome =
      !options.judgements.empty() ? score_judgements(benchmarks.front(), given)
      : judge                     ? session.judge_given(benchmarks.front(), given)
              : score_given_responses(benchmarks.front(), given, code_runner.get());
  session.add(outcome, clock.monotonic_seconds() - start);
  session.print(common.is_json);
  return 0;
}

void define_model_flags(CLI::App& app, EvalOptions& options) {
  app.add_option("--template", options.template_name,
                 "prompt template: a name, a path, auto (the checkpoint's own) or none")
      ->capture_default_str();
  app.add_option("--prompt-end", options.prompt_end,
                 "exact keeps the template's last space, trimmed ends as training does")
      ->check(CLI::IsMember({"exact", "trimmed"}))
      ->capture_default_str();
  app.add_option("--dtype", options.dtype, "bf16 or float32 [bf16 where the hardware has it]")
      ->check(CLI::IsMember({"bf16", "float32"}));
  app.add_option("--max-new-tokens", options.max_new_tokens,
                 "longest response, in place of every task's own")
      ->check(CLI::Range(int64_t{1}, int64_t{1} << 20));
}

void define_task_flags(CLI::App& app, EvalOptions& options) {
  app.add_option(
         "--tasks", options.tasks,
         "name[:shots],... of configs/tasks, paths of task files, or groups: paper, table2, all; "
         "mt_bench and alpaca_eval need a judge (SFT_JUDGE_URL)")
      ->capture_default_str();
  app.add_option("--data-dir", options.data_dir,
                 "folder of benchmark files [SFT_DATA_DIR, or $SFT_HOME/bench]");
  app.add_option("--limit", options.limits.per_group,
                 "only the first N questions of each task (of each subject)")
      ->check(CLI::Range(int64_t{1}, kMostQuestions));
  app.add_option("--limit-subjects", options.limits.num_groups,
                 "only the first K subjects of tasks that have them")
      ->check(CLI::Range(int64_t{1}, kMostQuestions));
  app.add_flag("--require-all", options.must_have_all,
               "fail (exit 1) where a task's files are missing");
  app.add_flag("--allow-unsandboxed-code", options.is_unsandboxed_allowed,
               "where no sandbox works, run the programs of HumanEval and MBPP with your rights");
  app.add_flag("--no-cache", options.has_no_cache,
               "ask every question, and a judge, anew and keep no answer in $SFT_HOME");
}

}  // namespace

RunCommand define_eval(CLI::App& app, const CommonOptions& common) {
  const auto options = std::make_shared<EvalOptions>();
  CLI::Option* const checkpoints =
      app.add_option("--ckpt", options->checkpoints,
                     "model folder, an adapter's, or owner/name[@revision] on the hub (repeatable)")
          ->expected(1)
          ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_option("--adapter", options->adapters,
                 "adapter's folder, scored on the one --ckpt (repeatable)")
      ->expected(1)
      ->needs(checkpoints)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_option("--output", options->output,
                 "folder of the results [<ckpt>/eval, or runs/eval/<name>]");
  define_task_flags(app, *options);
  define_model_flags(app, *options);
  CLI::Option* const responses =
      app.add_option("--responses", options->responses,
                     "score these responses without a model: {\"id\", \"response\"} a line, "
                     "OpenCompass predictions or lm-eval samples (a file or a folder)")
          ->excludes(checkpoints);
  CLI::Option* const judgements =
      app.add_option("--judgements", options->judgements,
                     "score these stored verdicts without a model or judge: {\"id\", \"verdict\": "
                     "TEXT} or {\"id\", \"preference\": 1 to 2} a line")
          ->excludes(checkpoints)
          ->excludes(responses);
  CLI::Option* const task =
      app.add_option("--task", options->given_task,
                     "the task that --responses or --judgements answer: name[:shots]")
          ->excludes(checkpoints);
  define_judge_flags(app, options->judge);
  return [options, responses, judgements, task, &common] {
    const bool is_given = responses->count() + judgements->count() > 0;
    if (!is_given && options->checkpoints.empty()) {
      throw UsageError(
          "--ckpt MODEL is missing (or --responses FILE or --judgements FILE, with --task NAME)");
    }
    if (!is_given) {
      return evaluate_checkpoints(*options, common);
    }
    if (task->count() == 0) {
      throw UsageError(fmt::format("{} needs --task NAME[:shots]",
                                   responses->count() > 0 ? "--responses" : "--judgements"));
    }
    return score_given(*options, common);
  };
}

}  // namespace sft
