#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "cli/judge_flags.h"

#include "sft/tasks/question.h"

namespace CLI {
class App;
}

namespace sft {

// The name, in results, of prompts that no template lays out.
inline constexpr std::string_view kNoTemplate = "none";

// What `sft eval` is told.
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

  // Responses or verdicts are given, and no model is asked.
  bool is_given() const { return !responses.empty() || !judgements.empty(); }
};

void define_eval_flags(CLI::App& app, EvalOptions& options);

// Throws UsageError where flags that need each other are missing.
void check_eval_options(const EvalOptions& options);

}  // namespace sft
