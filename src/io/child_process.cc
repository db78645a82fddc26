#include "sft/io/child_process.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <fstream>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sft/core/error.h"

namespace sft {
namespace {

constexpr int kNoProgram = 127;
// Above all descriptors that a program is given, so that putting them in place covers none.
constexpr int kFirstFree = 64;
constexpr size_t kMostInput = 4096;  // what a pipe surely holds

[[noreturn]] void throw_errno(const std::string& what) {
  throw Error("cannot " + what + ": " + std::generic_category().message(errno));
}

// A descriptor of ours, closed at the end of its life and in programs that we start.
class Handle {
 public:
  explicit Handle(int descriptor) : descriptor_(::fcntl(descriptor, F_DUPFD_CLOEXEC, kFirstFree)) {
    ::close(descriptor);
    if (descriptor_ < 0) {
      throw_errno("hand a descriptor to a program");
    }
  }
  ~Handle() {
    if (descriptor_ >= 0) {
      ::close(descriptor_);
    }
  }
  Handle(Handle&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  Handle& operator=(Handle&&) = delete;

  int get() const { return descriptor_; }
  int release() { return std::exchange(descriptor_, -1); }

 private:
  int descriptor_;
};

struct Pipe {
  Handle out;
  Handle in;
};

Pipe make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    throw_errno("make a pipe");
  }
  return {.out = Handle(ends[0]), .in = Handle(ends[1])};
}

void write_whole(int descriptor, const std::string& bytes) {
  for (size_t done = 0; done < bytes.size();) {
    const ssize_t count = ::write(descriptor, bytes.data() + done, bytes.size() - done);
    if (count < 0 && errno != EINTR) {
      throw_errno("write a program's input");
    }
    done += count > 0 ? static_cast<size_t>(count) : 0;
  }
}

Handle make_input(const std::string& bytes) {
  const int file = ::memfd_create("input", MFD_CLOEXEC);
  if (file < 0) {
    throw_errno("make a program's input");
  }
  Handle input(file);
  write_whole(input.get(), bytes);
  ::lseek(input.get(), 0, SEEK_SET);
  return input;
}

Handle make_filled_pipe(const std::string& bytes) {
  SFT_CHECK(bytes.size() <= kMostInput);
  Pipe pipe = make_pipe();
  write_whole(pipe.in.get(), bytes);
  return std::move(pipe.out);
}

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> list;
  list.reserve(words.size() + 1);
  for (std::string& word : words) {
    list.push_back(word.data());
  }
  list.push_back(nullptr);
  return list;
}

// All that the child needs between its birth and the program's, made before: in there, the memory
// is the parent's and nothing may be allocated.
struct Start {
  std::vector<char*> command;
  std::vector<char*> environment;
  const char* folder = nullptr;
  std::vector<int> descriptors;  // the i-th becomes descriptor i
  std::vector<std::pair<__rlimit_resource_t, rlimit>> limits;
  sock_fprog filter = {};
  sigset_t signals = {};
  pid_t parent = 0;
};

void close_others(unsigned first) {
  if (::syscall(SYS_close_range, first, ~0U, CLOSE_RANGE_CLOEXEC) == 0) {
    return;
  }
  for (unsigned descriptor = first; descriptor < 4096; ++descriptor) {  // a kernel before 5.11
    ::fcntl(static_cast<int>(descriptor), F_SETFD, FD_CLOEXEC);
  }
}

[[noreturn]] void become_program(const Start& start) {
  ::setsid();
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  for (size_t i = 0; i < start.descriptors.size(); ++i) {
    ::dup2(start.descriptors[i], static_cast<int>(i));
  }
  close_others(static_cast<unsigned>(start.descriptors.size()));
  bool is_ready = ::chdir(start.folder) == 0;
  for (const auto& [resource, limit] : start.limits) {
    is_ready = is_ready && ::setrlimit(resource, &limit) == 0;
  }
  if (start.filter.len > 0) {
    is_ready = is_ready && ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
               ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &start.filter) == 0;
  }
  ::sigprocmask(SIG_SETMASK, &start.signals, nullptr);
  if (is_ready) {
    ::execve(start.command.front(), start.command.data(), start.environment.data());
  }
  ::_exit(kNoProgram);
}

// Like posix_spawn, which can set no limits: the child borrows our memory until the program
// begins, so that a process which holds a large model starts programs as quickly as a small one.
pid_t start_program(Start& start) {
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &start.signals);  // no handler of ours runs in the child
  const pid_t id = ::vfork();
  if (id == 0) {
    become_program(start);
  }
  const int error = errno;
  ::pthread_sigmask(SIG_SETMASK, &start.signals, nullptr);
  errno = error;
  return id;
}

std::vector<std::pair<__rlimit_resource_t, rlimit>> resource_limits(const ChildLimits& limits) {
  std::vector<std::pair<__rlimit_resource_t, rlimit>> list = {
      {RLIMIT_CORE, {.rlim_cur = 0, .rlim_max = 0}}};
  const auto add = [&list](__rlimit_resource_t resource, uint64_t most) {
    if (most > 0) {
      list.push_back({resource, {.rlim_cur = most, .rlim_max = most}});
    }
  };
  add(RLIMIT_CPU, limits.cpu_seconds);
  add(RLIMIT_AS, limits.memory_bytes);
  add(RLIMIT_FSIZE, limits.file_bytes);
  add(RLIMIT_NOFILE, limits.open_files);
  return list;
}

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

}  // namespace

ChildProcess::ChildProcess(const ChildSpec& spec) {
  std::vector<std::string> command = spec.command;
  std::vector<std::string> environment = spec.environment;
  std::string filter = spec.syscall_filter;
  const Handle null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  const Handle input = make_input(spec.input);
  Pipe output = make_pipe();
  std::vector<Handle> more_inputs;
  more_inputs.reserve(spec.more_inputs.size());
  Start start;
  start.descriptors = {input.get(), null.get(), output.in.get()};
  for (const std::string& bytes : spec.more_inputs) {
    start.descriptors.push_back(more_inputs.emplace_back(make_filled_pipe(bytes)).get());
  }
  start.descriptors.push_back(output.in.get());
  SFT_CHECK(start.descriptors.size() < kFirstFree);
  start.command = pointers(command);
  start.environment = pointers(environment);
  start.folder = spec.folder.c_str();
  start.limits = resource_limits(spec.limits);
  start.filter.len = static_cast<uint16_t>(filter.size() / sizeof(sock_filter));
  start.filter.filter = reinterpret_cast<sock_filter*>(filter.data());
  id_ = start_program(start);
  if (id_ < 0) {
    throw_errno("start " + spec.command.front());
  }
  output_ = output.out.release();
}

ChildProcess::~ChildProcess() {
  if (id_ > 0) {
    kill();
    wait();
  }
  ::close(output_);
}

bool ChildProcess::read(std::string& output, double seconds) const {
  pollfd waiting = {.fd = output_, .events = POLLIN, .revents = 0};
  const int milliseconds = seconds > 0 ? static_cast<int>(seconds * 1000) + 1 : 0;
  if (::poll(&waiting, 1, milliseconds) <= 0) {
    return true;
  }
  std::array<char, 4096> buffer{};
  const ssize_t count = ::read(output_, buffer.data(), buffer.size());
  if (count > 0) {
    output.append(buffer.data(), static_cast<size_t>(count));
  }
  return count > 0 || (count < 0 && errno == EINTR);
}

void ChildProcess::kill() const {
  ::kill(-id_, SIGKILL);  // not there yet where it has not begun its session
  ::kill(id_, SIGKILL);
}

ChildProcess::Exit ChildProcess::wait() {
  int status = 0;
  rusage usage = {};
  while (::wait4(id_, &status, 0, &usage) < 0 && errno == EINTR) {
  }
  id_ = 0;
  return {.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
          .cpu_seconds = seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime)};
}

ProcessHandle::ProcessHandle(pid_t id)
    : descriptor_(id > 0 ? static_cast<int>(::syscall(SYS_pidfd_open, id, 0)) : -1) {}

ProcessHandle::~ProcessHandle() {
  if (descriptor_ >= 0) {
    ::close(descriptor_);
  }
}

void ProcessHandle::kill() const {
  ::syscall(SYS_pidfd_send_signal, descriptor_, SIGKILL, nullptr, 0);
}

std::optional<double> starved_seconds(pid_t id) {
  std::ifstream file("/proc/" + std::to_string(id) + "/schedstat");
  double run_nanoseconds = 0;
  double waited_nanoseconds = 0;
  if (!(file >> run_nanoseconds >> waited_nanoseconds)) {
    return std::nullopt;
  }
  return waited_nanoseconds / 1e9;
}

}  // namespace sft
