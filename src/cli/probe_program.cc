#include "cli/probe_program.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sft/core/clock.h"

namespace sft {
namespace {

constexpr size_t kMostOutput = 4096;

// A child that is ended and reaped with the object.
class Child {
 public:
  explicit Child(pid_t id) : id_(id) {}
  ~Child() {
    if (id_ > 0) {
      ::kill(id_, SIGKILL);
      ::waitpid(id_, nullptr, 0);
    }
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  int wait() {
    int status = 0;
    ::waitpid(std::exchange(id_, 0), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  void end() const { ::kill(id_, SIGKILL); }

 private:
  pid_t id_;
};

pid_t start(const std::vector<std::string>& command, int output) {
  std::vector<std::string> words = command;
  std::vector<char*> argv;
  argv.reserve(words.size() + 1);
  for (std::string& word : words) {
    argv.push_back(word.data());
  }
  argv.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, output, STDERR_FILENO);
  pid_t id = 0;
  const int error = posix_spawnp(&id, argv.front(), &actions, nullptr, argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  return error == 0 ? id : 0;
}

}  // namespace

std::optional<ProbeResult> probe_program(const std::vector<std::string>& command, double seconds) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return std::nullopt;
  }
  const pid_t id = start(command, ends[1]);
  ::close(ends[1]);
  if (id == 0) {
    ::close(ends[0]);
    return std::nullopt;
  }
  Child child(id);
  ProbeResult result;
  const SystemClock clock;
  const double deadline = clock.monotonic_seconds() + seconds;
  std::array<char, 1024> buffer{};
  while (true) {
    const double left = deadline - clock.monotonic_seconds();
    pollfd waiting = {.fd = ends[0], .events = POLLIN, .revents = 0};
    const int ready = left > 0 ? ::poll(&waiting, 1, static_cast<int>(left * 1000) + 1) : 0;
    if (ready == 0) {
      result.is_late = true;
      child.end();
      break;
    }
    const ssize_t count = ready > 0 ? ::read(ends[0], buffer.data(), buffer.size()) : -1;
    if (count == 0 || (count < 0 && errno != EINTR)) {
      break;  // it has closed its output, which is at its end
    }
    if (count > 0 && result.output.size() < kMostOutput) {
      result.output.append(buffer.data(), static_cast<size_t>(count));
    }
  }
  ::close(ends[0]);
  result.exit_code = child.wait();
  result.output.resize(result.output.find_last_not_of(" \r\n\t") + 1);
  return result;
}

}  // namespace sft
