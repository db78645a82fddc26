#include "cli/eval_options.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "sft/core/error.h"

namespace sft {
namespace {

constexpr int64_t kMostQuestions = 1'000'000'000;

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

void define_given_flags(CLI::App& app, EvalOptions& options, CLI::Option* checkpoints) {
  CLI::Option* const responses =
      app.add_option("--responses", options.responses,
                     "score these responses without a model: {\"id\", \"response\"} a line, "
                     "OpenCompass predictions or lm-eval samples (a file or a folder)")
          ->excludes(checkpoints);
  app.add_option("--judgements", options.judgements,
                 "score these stored verdicts without a model or judge: {\"id\", \"verdict\": "
                 "TEXT} or {\"id\", \"preference\": 1 to 2} a line")
      ->excludes(checkpoints)
      ->excludes(responses);
  app.add_option("--task", options.given_task,
                 "the task that --responses or --judgements answer: name[:shots]")
      ->excludes(checkpoints);
}

}  // namespace

void define_eval_flags(CLI::App& app, EvalOptions& options) {
  CLI::Option* const checkpoints =
      app.add_option("--ckpt", options.checkpoints,
                     "model folder, an adapter's, or owner/name[@revision] on the hub (repeatable)")
          ->expected(1)
          ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_option("--adapter", options.adapters,
                 "adapter's folder, scored on the one --ckpt (repeatable)")
      ->expected(1)
      ->needs(checkpoints)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  app.add_option("--output", options.output,
                 "folder of the results [<ckpt>/eval, or runs/eval/<name>]");
  define_task_flags(app, options);
  define_model_flags(app, options);
  define_given_flags(app, options, checkpoints);
  define_judge_flags(app, options.judge);
}

void check_eval_options(const EvalOptions& options) {
  if (!options.is_given() && options.checkpoints.empty()) {
    throw UsageError(
        "--ckpt MODEL is missing (or --responses FILE or --judgements FILE, with --task NAME)");
  }
  if (options.is_given() && options.given_task.empty()) {
    throw UsageError(fmt::format("{} needs --task NAME[:shots]",
                                 options.responses.empty() ? "--judgements" : "--responses"));
  }
}

}  // namespace sft
