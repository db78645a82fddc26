#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "sft/eval/code_runner.h"

namespace sft {

// How far programs are kept away from this machine.
enum class Confinement {
  // A namespace of its own of everything (bubblewrap): no network, no home, no environment, no
  // process but itself, /usr read-only and an empty /tmp of 64 MB in memory, gone afterwards.
  kSandbox,
  // The user's files and network. Limits, an own session and an empty folder all the same.
  kNone,
};

// Whether programs can be run on this machine, and how, found by running one.
struct SandboxCheck {
  Confinement confinement = Confinement::kSandbox;
  std::vector<std::string> command;  // starts the Python that runs a program
  std::string interpreter;           // "Python 3.11.2"
  std::string fault;                 // what does not work; "": all does
  std::string fix;                   // what to do about it
};
SandboxCheck check_sandbox(Confinement confinement);

// Runs programs in processes of their own, several at once. Each may take its seconds, counted from
// its first line on, less those in which it was ready to run and had no processor, so that a busy
// machine fails no program; 1 GB of memory, 16 MB a file, 64 open files, no second process. What is
// left of it is killed at its end.
class Sandbox final : public CodeRunner {
 public:
  // Of a machine without fault. Runs `num_at_once` programs side by side.
  Sandbox(SandboxCheck machine, size_t num_at_once);

  // Equal programs are run once.
  std::vector<ProgramEnd> run(std::span<const Program> programs,
                              const OnDone& on_done) const override;
  const std::string& interpreter() const override { return machine_.interpreter; }

 private:
  SandboxCheck machine_;
  size_t num_at_once_;
};

}  // namespace sft
