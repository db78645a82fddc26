// The command lines of confined_program.h.

#include <cstdlib>
#include <filesystem>
#include <sstream>

#include <unistd.h>

#include "eval/confined_program.h"
#include "eval/program_harness.h"

#include "sft/core/error.h"

namespace sft {
namespace {

namespace fs = std::filesystem;

constexpr const char* kFolderBytes = "64000000";

void append(std::vector<std::string>& words, const std::vector<std::string>& more) {
  words.insert(words.end(), more.begin(), more.end());
}

// What the loader needs beside /usr: its folders, which are links into /usr or folders of their
// own.
void append_loader(std::vector<std::string>& command) {
  for (const char* const folder : {"/lib", "/lib64"}) {
    if (fs::is_symlink(folder)) {
      append(command, {"--symlink", fs::read_symlink(folder).string(), folder});
    } else if (fs::is_directory(folder)) {
      append(command, {"--ro-bind", folder, folder});
    }
  }
  for (const char* const file : {"/etc/alternatives", "/etc/ld.so.cache"}) {
    append(command, {"--ro-bind-try", file, file});
  }
}

}  // namespace

std::vector<std::string> python_command() {
  // Without the start-up code of installed packages, and without writing byte code.
  return {kPython, "-s", "-S", "-B", "-c", std::string(program_harness())};
}

// Descriptor 3 is the harness's; bubblewrap reads the filter from 4 and writes the id of the
// program's process to 5.
std::vector<std::string> sandbox_command(FolderLimit folder_limit) {
  const std::string bubblewrap = find_program("bwrap");
  if (bubblewrap.empty()) {
    throw Error("there is no bubblewrap (bwrap) on PATH");
  }
  std::vector<std::string> command = {bubblewrap};
  append(command,
         {"--unshare-all", "--unshare-user", "--die-with-parent", "--new-session", "--as-pid-1"});
  append(command, {"--clearenv", "--setenv", "PYTHONHASHSEED", "0"});
  append(command,
         {"--cap-drop", "ALL", "--uid", "65534", "--gid", "65534", "--hostname", "sandbox"});
  append(command, {"--ro-bind", "/usr", "/usr"});
  append_loader(command);
  append(command, {"--dev", "/dev", "--remount-ro", "/dev"});
  if (folder_limit == FolderLimit::kSet) {
    append(command, {"--size", kFolderBytes});
  }
  append(command, {"--tmpfs", "/tmp", "--remount-ro", "/", "--chdir", "/tmp"});
  append(command, {"--seccomp", "4", "--info-fd", "5"});
  append(command, python_command());
  return command;
}

std::string find_program(const std::string& name) {
  const char* const path = std::getenv("PATH");
  std::istringstream folders(path != nullptr ? path : "/usr/local/bin:/usr/bin:/bin");
  for (std::string folder; std::getline(folders, folder, ':');) {
    const fs::path candidate = fs::path(folder.empty() ? "." : folder) / name;
    if (::access(candidate.c_str(), X_OK) == 0 && fs::is_regular_file(candidate)) {
      return fs::absolute(candidate).string();
    }
  }
  return "";
}

}  // namespace sft
