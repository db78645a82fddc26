#include "cli/open_sandbox.h"

#include <algorithm>
#include <thread>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "sft/core/error.h"
#include "sft/eval/sandbox.h"

namespace sft {

std::unique_ptr<CodeRunner> open_sandbox(const std::string& tasks, UnsandboxedCode unsandboxed,
                                         int threads) {
  SandboxCheck machine = check_sandbox(Confinement::kSandbox);
  if (!machine.fault.empty() && unsandboxed == UnsandboxedCode::kAllowed) {
    spdlog::warn("[eval] no sandbox ({}): programs of {} can read and change this user's files",
                 machine.fault, tasks);
    machine = check_sandbox(Confinement::kNone);
  }
  if (!machine.fault.empty()) {
    throw Error(
        fmt::format("{}: runs programs that a model wrote, and there is no sandbox for them: {}; "
                    "{}; or leave such tasks out of --tasks, or run them with this user's rights "
                    "by --allow-unsandboxed-code",
                    tasks, machine.fault, machine.fix));
  }
  const unsigned cores = std::max(1U, std::thread::hardware_concurrency());
  return std::make_unique<Sandbox>(std::move(machine),
                                   threads > 0 ? static_cast<size_t>(threads) : cores);
}

}  // namespace sft
