#pragma once

#include <memory>
#include <string>

#include "sft/eval/code_runner.h"

namespace sft {

// Whether programs may run where no sandbox works: --allow-unsandboxed-code.
enum class UnsandboxedCode { kRefused, kAllowed };

// What runs the programs of `tasks` ("humaneval:0,mbpp:0"), `threads` at once; 0: as many as there
// are cores. Throws Error, with what to do, where no sandbox works and none may be done without.
std::unique_ptr<CodeRunner> open_sandbox(const std::string& tasks, UnsandboxedCode unsandboxed,
                                         int threads);

}  // namespace sft
