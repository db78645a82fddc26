#pragma once

// Runs the sft binary as a user does: with arguments, in a folder, with a text on stdin; and gives
// back what it wrote and how it ended.

#include <filesystem>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "temp_folder.h"

namespace sft {

struct BinaryResult {
  int exit_code = 0;  // 128 + the signal where one ended it
  std::string out;
  std::string err;
};

// A started binary; killed with the object if it still runs. stdin, stdout and stderr are files of
// a folder of their own, so that neither side waits for the other.
class RunningBinary {
 public:
  RunningBinary(const std::vector<std::string>& arguments, const std::filesystem::path& folder,
                const std::string& input = "") {
    std::vector<std::string> words = {SFT_TEST_BINARY};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (std::string& word : words) {
      argv.push_back(word.data());
    }
    argv.push_back(nullptr);
    const std::string in_path = streams_.write("in", input).string();
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, in_path.c_str(), O_RDONLY, 0);
    add_output(actions, STDOUT_FILENO, "out");
    add_output(actions, STDERR_FILENO, "err");
    posix_spawn_file_actions_addchdir_np(&actions, folder.c_str());
    const int error =
        posix_spawn(&process_, SFT_TEST_BINARY, &actions, nullptr, argv.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) {
      process_ = 0;
      throw std::runtime_error(std::string("cannot start ") + SFT_TEST_BINARY);
    }
  }
  ~RunningBinary() {
    if (process_ != 0) {
      send(SIGKILL);
      wait();
    }
  }
  RunningBinary(const RunningBinary&) = delete;
  RunningBinary& operator=(const RunningBinary&) = delete;

  void send(int signal) const { kill(process_, signal); }

  // Whether it has ended, without waiting for it and without taking its exit code.
  bool has_ended() const {
    siginfo_t info = {};
    return waitid(P_PID, static_cast<id_t>(process_), &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
           info.si_pid == process_;
  }

  BinaryResult wait() {
    int status = 0;
    waitpid(process_, &status, 0);
    process_ = 0;
    return {.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
            .out = read_whole_file(streams_.path() / "out"),
            .err = read_whole_file(streams_.path() / "err")};
  }

 private:
  void add_output(posix_spawn_file_actions_t& actions, int descriptor, const char* name) const {
    const std::string path = (streams_.path() / name).string();
    posix_spawn_file_actions_addopen(&actions, descriptor, path.c_str(),
                                     O_WRONLY | O_CREAT | O_TRUNC, 0600);
  }

  TempFolder streams_;
  pid_t process_ = 0;
};

inline BinaryResult run_binary(const std::vector<std::string>& arguments,
                               const std::filesystem::path& folder, const std::string& input = "") {
  return RunningBinary(arguments, folder, input).wait();
}

}  // namespace sft
