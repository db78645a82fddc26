#include "eval/confined_program.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <sstream>
#include <system_error>

#include <fmt/format.h>
#include <sys/random.h>
#include <unistd.h>

#include "eval/program_harness.h"
#include "eval/syscall_filter.h"

#include "sft/core/clock.h"
#include "sft/core/error.h"
#include "sft/io/child_process.h"

namespace sft {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMegabyte = 1'000'000;
constexpr uint64_t kMemoryBytes = 1000 * kMegabyte;
constexpr uint64_t kFileBytes = 16 * kMegabyte;
constexpr uint64_t kOpenFiles = 64;
constexpr size_t kMostOutput = 8192;  // the harness writes three short lines
constexpr double kStartSeconds = 60;  // for bubblewrap and Python on a machine that swaps
constexpr double kLookSeconds = 0.1;  // how often the clock and must_stop are looked at
constexpr int kKilled = 128 + 9;
// The kernel counts in whole seconds, and the start of Python too.
constexpr uint64_t kSpareCpuSeconds = 2;
// A program that gets no more than a part of its share of a processor ends at last.
constexpr double kMostStarvation = 20;
// Where the kernel does not tell who waits for a processor: how much longer than its seconds, at
// least, a program needs on a busy machine. The CPU seconds still end one that computes.
constexpr double kBusyFactor = 4;

constexpr std::string_view kReady = "ready ";

// A folder that is empty, and gone with the object.
class WorkFolder {
 public:
  WorkFolder() {
    std::string pattern = (fs::temp_directory_path() / "sft_program_XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) {
      throw Error(pattern + ": cannot be made; TMPDIR names another place");
    }
    path_ = pattern;
  }
  ~WorkFolder() {
    std::error_code error;
    fs::remove_all(path_, error);
  }
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;

  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

ChildSpec child_spec(const Program& program, uint64_t secret) {
  ChildSpec spec;
  spec.input = harness_job(program);
  spec.more_inputs = {harness_secret(secret)};
  spec.limits = {
      .cpu_seconds = static_cast<uint64_t>(std::ceil(program.seconds)) + kSpareCpuSeconds,
      .memory_bytes = kMemoryBytes,
      .file_bytes = kFileBytes,
      .open_files = kOpenFiles};
  // The same order of sets in each run.
  spec.environment = {"PYTHONHASHSEED=0"};
  return spec;
}

uint64_t make_secret() {
  uint64_t number = 0;
  // Not an Rng: it must not be foreseen, and nothing in a result depends on it.
  if (::getrandom(&number, sizeof(number), 0) != sizeof(number)) {
    throw Error("the system gives no random numbers");
  }
  return number >> 2;
}

// What a program that could not be started said last.
std::string last_line(const std::string& text) {
  const size_t end = text.find_last_not_of(" \r\n");
  if (end == std::string::npos) {
    return "it cannot be started";
  }
  const size_t begin = text.find_last_of('\n', end);
  return text.substr(begin + 1, end - begin);
}

// A program's process, known from outside.
class RunningProgram {
 public:
  RunningProgram(const ChildSpec& spec, Confinement confinement)
      : child_(spec), confinement_(confinement) {}

  // Reads until the harness is about to start the program. Throws Error where it does not come to
  // that; false where it had to stop.
  bool await_start(const std::atomic<bool>& must_stop) {
    const double deadline = clock_.monotonic_seconds() + kStartSeconds;
    size_t end = std::string::npos;
    while ((end = end_of_ready_line()) == std::string::npos) {
      if (must_stop) {
        return false;
      }
      if (clock_.monotonic_seconds() > deadline) {
        throw Error(fmt::format("it does not start within {} s", kStartSeconds));
      }
      if (!child_.read(output_, kLookSeconds)) {
        throw Error(last_line(output_));
      }
    }
    find_process();
    const size_t version = output_.find(kReady) + kReady.size();
    python_version_ = output_.substr(version, end - version);
    output_.erase(0, end + 1);
    started_ = clock_.monotonic_seconds();
    starved_before_ = starved_seconds(process_id_);
    return true;
  }

  // Whether it was at its end before its time was over.
  bool await_end(double seconds, const std::atomic<bool>& must_stop) {
    // The kernel counts a wait for a processor when it is over, so the first look that finds no
    // time left may be wrong.
    bool was_late = false;
    while (!must_stop && !has_verdict() && output_.size() < kMostOutput) {
      const double left = seconds_left(seconds);
      if (left <= 0 && was_late) {
        return false;
      }
      was_late = left <= 0;
      if (!child_.read(output_, was_late ? kLookSeconds : std::min(left, kLookSeconds))) {
        break;
      }
    }
    return true;
  }

  // Kills what is left, waits until it is gone, and says how its process ended.
  ChildProcess::Exit end() {
    // Bubblewrap ends when the sandbox's first process has, and that one, when the kernel has
    // ended all others of its process namespace.
    if (process_ && process_->is_known()) {
      process_->kill();
    } else {
      child_.kill();
    }
    return child_.wait();
  }

  const std::string& output() const { return output_; }
  const std::string& python_version() const { return python_version_; }

 private:
  size_t end_of_ready_line() const {
    const size_t begin = output_.find(kReady);
    return begin == std::string::npos ? begin : output_.find('\n', begin);
  }

  // Bubblewrap writes {"child-pid": N} for us before anything of the program runs.
  void find_process() {
    process_id_ = child_.id();
    if (confinement_ == Confinement::kNone) {
      return;
    }
    constexpr std::string_view kKey = "\"child-pid\": ";
    const size_t place = output_.find(kKey);
    if (place == std::string::npos) {
      throw Error("bubblewrap does not tell its child-pid");
    }
    process_id_ = static_cast<pid_t>(std::atol(output_.c_str() + place + kKey.size()));
    process_.emplace(process_id_);
  }

  bool has_verdict() const { return output_.find('\n') != std::string::npos; }

  double seconds_left(double seconds) const {
    const double elapsed = clock_.monotonic_seconds() - started_;
    const std::optional<double> starved = starved_seconds(process_id_);
    if (!starved || !starved_before_) {
      return kBusyFactor * seconds - elapsed;
    }
    const double own = elapsed - (*starved - *starved_before_);
    return std::min(seconds - own, kMostStarvation * seconds - elapsed);
  }

  ChildProcess child_;
  Confinement confinement_;
  std::string output_;
  std::string python_version_;
  pid_t process_id_ = 0;
  std::optional<ProcessHandle> process_;
  SystemClock clock_;
  double started_ = 0;
  std::optional<double> starved_before_;
};

ProgramEnd read_verdict(const std::string& output, const std::string& proof) {
  std::istringstream lines(output);
  ProgramEnd end = ProgramEnd::kFailed;
  for (std::string line; std::getline(lines, line);) {
    if (line == proof) {
      return ProgramEnd::kPassed;
    }
    if (line == "assertion") {
      end = ProgramEnd::kAssertion;
    }
  }
  return end;
}

}  // namespace

ConfinedRun run_confined(const Program& program, const SandboxCheck& machine,
                         const std::atomic<bool>& must_stop) {
  const uint64_t secret = make_secret();
  ChildSpec spec = child_spec(program, secret);
  spec.command = machine.command;
  std::optional<WorkFolder> folder;
  if (machine.confinement == Confinement::kSandbox) {
    spec.more_inputs.push_back(make_syscall_filter());  // bubblewrap sets it
  } else {
    spec.folder = folder.emplace().path().string();
    spec.syscall_filter = make_syscall_filter();
  }
  RunningProgram running(spec, machine.confinement);
  if (!running.await_start(must_stop)) {
    return {};
  }
  const bool is_in_time = running.await_end(program.seconds, must_stop);
  const ChildProcess::Exit exit = running.end();
  ConfinedRun run = {.end = read_verdict(running.output(), harness_proof(program, secret)),
                     .python_version = running.python_version()};
  // The kernel's own limit of CPU seconds kills as we do.
  const bool is_late = !is_in_time || (running.output().empty() && exit.code == kKilled &&
                                       exit.cpu_seconds >= program.seconds);
  if (is_late && run.end != ProgramEnd::kPassed) {
    run.end = ProgramEnd::kTimedOut;
  }
  return run;
}

}  // namespace sft
