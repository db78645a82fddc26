#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "sft/eval/code_runner.h"
#include "sft/eval/sandbox.h"

namespace sft {

// The Python that programs under test are written for: the system's, which is all that a sandbox
// shows.
inline constexpr const char* kPython = "/usr/bin/python3";

// The command that starts it, alone or in a sandbox. Throws Error where there is no bubblewrap.
enum class FolderLimit { kSet, kNone };  // whether /tmp has its size; bubblewrap 0.6 cannot set it
std::vector<std::string> python_command();
std::vector<std::string> sandbox_command(FolderLimit folder_limit);

struct ConfinedRun {
  ProgramEnd end = ProgramEnd::kFailed;
  std::string python_version;  // "3.11.2"
};

// Runs one program by the machine's command to its end, its time limit, or
// until `must_stop`; nothing of it is left then. Throws Error with what bubblewrap or Python said
// where the program could not be started.
ConfinedRun run_confined(const Program& program, const SandboxCheck& machine,
                         const std::atomic<bool>& must_stop);

// The path of a program on PATH; "" where there is none.
std::string find_program(const std::string& name);

}  // namespace sft
