#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

namespace sft {

// A Python program and the tests that it has to pass.
struct Program {
  std::string code;
  std::string tests;  // run behind the code, in the same globals
  // Where set, the function `check` of the tests is then called with the program's `entry`.
  std::string check;
  std::string entry;
  double seconds = 0;  // how long it may take, without waiting for a processor
};

// How a program came out of its tests.
enum class ProgramEnd {
  kPassed,     // the last assertion was reached and held
  kAssertion,  // one did not hold, of the tests or of the program
  kFailed,     // it ended in any other way
  kTimedOut,
};

// Runs programs that nobody has read.
class CodeRunner {
 public:
  virtual ~CodeRunner() = default;

  // Called after each program, in the thread that called `run`; what it throws stops all and is
  // passed on.
  using OnDone = std::function<void()>;
  // How each came out. Throws Error where they cannot be run at all.
  virtual std::vector<ProgramEnd> run(std::span<const Program> programs,
                                      const OnDone& on_done) const = 0;
  // What outcomes depend on beside the program: "Python 3.11.2".
  virtual const std::string& interpreter() const = 0;
};

}  // namespace sft
