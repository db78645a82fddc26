#pragma once

#include "cli/command.h"
#include "cli/eval_options.h"

namespace sft {

// Scores what was given in place of a model: responses, or verdicts on responses. Returns the exit
// code.
int score_given(const EvalOptions& options, const CommonOptions& common);

}  // namespace sft
