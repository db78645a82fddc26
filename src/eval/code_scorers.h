#pragma once

#include "sft/eval/scorer.h"

namespace sft {

// OpenCompass 0.3.9's scorers that run programs.
extern const CodeRule kHumanEvalTests;
extern const CodeRule kMbppTests;             // without the task's imports, as the study had it
extern const CodeRule kMbppTestsWithImports;  // with them

}  // namespace sft
