#pragma once

#include <optional>
#include <string>
#include <vector>

namespace sft {

struct ProbeResult {
  int exit_code = 0;     // 128 + the signal where one ended it
  bool is_late = false;  // it was ended after `seconds`
  std::string output;    // stdout and stderr, the first 4 kB, without the last line's end
};

// Runs a program found on PATH, with no input, for at most `seconds`. None where there is no such
// program.
std::optional<ProbeResult> probe_program(const std::vector<std::string>& command, double seconds);

}  // namespace sft
