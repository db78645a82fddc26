#pragma once

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "sft/eval/sandbox.h"

namespace sft {

inline Program python(const std::string& code, const std::string& tests, double seconds = 5) {
  return {.code = code, .tests = tests, .check = {}, .entry = {}, .seconds = seconds};
}

// Runs programs as `sft eval` does; skips where this machine cannot.
class SandboxTest : public testing::Test {
 protected:
  void SetUp() override {
    const SandboxCheck& machine = this_machine();
    if (!machine.fault.empty()) {
      GTEST_SKIP() << machine.fault << "; " << machine.fix;
    }
  }

  static const SandboxCheck& this_machine() {
    static const SandboxCheck machine = check_sandbox(Confinement::kSandbox);
    return machine;
  }

  static std::vector<ProgramEnd> run_all(const std::vector<Program>& programs,
                                         size_t num_at_once = 2) {
    return Sandbox(this_machine(), num_at_once).run(programs, [] {});
  }
  static ProgramEnd run(const Program& program) { return run_all({program}).at(0); }
};

}  // namespace sft
