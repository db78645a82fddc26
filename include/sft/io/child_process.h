#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace sft {

// What a program may use, set before it begins; 0: no limit of its own.
struct ChildLimits {
  uint64_t cpu_seconds = 0;
  uint64_t memory_bytes = 0;  // of address space
  uint64_t file_bytes = 0;    // of each file that it writes
  uint64_t open_files = 0;
};

// How a program is started. Its descriptors: 0 is `input`, 1 is /dev/null, 2 what ChildProcess
// reads, 3 and on the `more_inputs`, and the next one is what ChildProcess reads again; all others
// are closed.
struct ChildSpec {
  std::vector<std::string> command;      // the program's path and its arguments
  std::vector<std::string> environment;  // "NAME=value"; nothing of ours is handed on
  std::string folder = "/";              // where it starts
  std::string input;
  std::vector<std::string> more_inputs;  // pipes that hold this, at most 4,096 bytes, and end
  ChildLimits limits;
  std::string syscall_filter;  // a seccomp program (struct sock_filter[]); "": none
};

// A running program that leads a session of its own. It is killed and waited for with the object,
// and the kernel kills it where the thread that started it dies.
class ChildProcess {
 public:
  // Throws Error where no process can be made; a program that is not there ends with code 127.
  explicit ChildProcess(const ChildSpec& spec);
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  // Waits at most `seconds` for output and appends it to `output`. False at its end, when all
  // processes that could write have closed it.
  bool read(std::string& output, double seconds) const;

  // Ends the program and what it has started in its session.
  void kill() const;

  struct Exit {
    int code = 0;            // 128 + the signal where one ended it
    double cpu_seconds = 0;  // of it and of what it has waited for
  };
  // Waits for its end; once.
  Exit wait();

  pid_t id() const { return id_; }

 private:
  pid_t id_ = 0;
  int output_ = -1;
};

// A process that someone else started, known by an id that cannot come to mean another one.
class ProcessHandle {
 public:
  explicit ProcessHandle(pid_t id);  // of no process where there is none
  ~ProcessHandle();
  ProcessHandle(const ProcessHandle&) = delete;
  ProcessHandle& operator=(const ProcessHandle&) = delete;

  bool is_known() const { return descriptor_ >= 0; }
  void kill() const;

 private:
  int descriptor_;
};

// For how many seconds the main thread of a process has been ready to run without a processor to
// run on. None where the kernel does not count them or there is no such process.
std::optional<double> starved_seconds(pid_t id);

}  // namespace sft
