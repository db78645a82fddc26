#include "sft/eval/sandbox.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <exception>
#include <fstream>
#include <map>
#include <mutex>
#include <thread>
#include <tuple>

#include <fmt/format.h>
#include <unistd.h>

#include "eval/confined_program.h"

#include "sft/core/error.h"

namespace sft {
namespace {

constexpr double kCheckSeconds = 10;

bool is_restricted_by_apparmor() {
  std::ifstream setting("/proc/sys/kernel/apparmor_restrict_unprivileged_userns");
  int is_restricted = 0;
  setting >> is_restricted;
  return is_restricted == 1;
}

std::string fix_of_namespaces() {
  return is_restricted_by_apparmor()
             ? "AppArmor forbids user namespaces (Ubuntu 24.04); allow them to bubblewrap: apt-get "
               "install apparmor-profiles, ln -s "
               "/usr/share/apparmor/extra-profiles/bwrap-userns-restrict /etc/apparmor.d/, "
               "systemctl reload apparmor; or to all programs: sysctl -w "
               "kernel.apparmor_restrict_unprivileged_userns=0"
             : "allow user namespaces: sysctl -w kernel.unprivileged_userns_clone=1 "
               "user.max_user_namespaces=10000, or start this container with the right to make "
               "them (docker run --security-opt seccomp=unconfined --security-opt "
               "apparmor=unconfined)";
}

// Runs a program that must pass and says why it did not.
std::string try_program(SandboxCheck& check) {
  const Program program = {.code = "def one():\n    return 1",
                           .tests = "assert one() == 1",
                           .check = {},
                           .entry = {},
                           .seconds = kCheckSeconds};
  try {
    const ConfinedRun run = run_confined(program, check, std::atomic<bool>(false));
    check.interpreter = "Python " + run.python_version;
    if (check.confinement == Confinement::kNone) {
      check.interpreter += ", no sandbox";
    }
    return run.end == ProgramEnd::kPassed ? "" : "a program that must pass does not";
  } catch (const Error& error) {
    return error.what();
  }
}

// What the threads of a run share. Threads take the programs one after another.
class Round {
 public:
  Round(std::span<const Program* const> programs, const SandboxCheck& machine)
      : programs_(programs), machine_(machine), ends_(programs.size()) {}

  void work() {
    for (size_t i = next_++; i < programs_.size() && !must_stop_; i = next_++) {
      try {
        ends_[i] = run_confined(*programs_[i], machine_, must_stop_).end;
      } catch (...) {
        fail(std::current_exception());
      }
      const std::lock_guard lock(mutex_);
      ++num_done_;
      changed_.notify_one();
    }
  }

  // Calls `on_done` for each that is done; returns when all are, or one could not be run.
  void watch(const CodeRunner::OnDone& on_done) {
    for (size_t num_told = 0; num_told < programs_.size();) {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return num_done_ > num_told || failure_; });
      if (failure_) {
        return;
      }
      const size_t num_new = num_done_ - num_told;
      lock.unlock();
      num_told += num_new;
      for (size_t i = 0; i < num_new; ++i) {
        on_done();
      }
    }
  }

  void fail(std::exception_ptr failure) {
    const std::lock_guard lock(mutex_);
    failure_ = failure_ ? failure_ : std::move(failure);
    must_stop_ = true;
    changed_.notify_one();
  }

  std::vector<ProgramEnd> take() {
    if (failure_) {
      std::rethrow_exception(failure_);
    }
    return std::move(ends_);
  }

 private:
  std::span<const Program* const> programs_;
  const SandboxCheck& machine_;
  std::vector<ProgramEnd> ends_;
  std::atomic<size_t> next_ = 0;
  std::atomic<bool> must_stop_ = false;
  std::mutex mutex_;
  std::condition_variable changed_;
  size_t num_done_ = 0;
  std::exception_ptr failure_;
};

std::vector<ProgramEnd> run_all(std::span<const Program* const> programs,
                                const SandboxCheck& machine, size_t num_threads,
                                const CodeRunner::OnDone& on_done) {
  Round round(programs, machine);
  std::vector<std::jthread> threads;
  for (size_t i = 0; i < std::min(num_threads, programs.size()); ++i) {
    threads.emplace_back([&round] { round.work(); });
  }
  try {
    round.watch(on_done);
  } catch (...) {
    round.fail(std::current_exception());
  }
  threads.clear();  // joins
  return round.take();
}

auto key_of(const Program& program) {
  return std::tie(program.code, program.tests, program.check, program.entry, program.seconds);
}

}  // namespace

SandboxCheck check_sandbox(Confinement confinement) {
  SandboxCheck check;
  check.confinement = confinement;
  if (::access(kPython, X_OK) != 0) {
    check.fault = std::string("there is no ") + kPython;
    check.fix = "apt-get install python3";
    return check;
  }
  if (confinement == Confinement::kNone) {
    check.command = python_command();
    check.fault = try_program(check);
    return check;
  }
  if (find_program("bwrap").empty()) {
    check.fault = "bubblewrap is not installed";
    check.fix = "apt-get install bubblewrap";
    return check;
  }
  check.command = sandbox_command(FolderLimit::kSet);
  std::string fault = try_program(check);
  if (fault.find("--size") != std::string::npos) {
    check.command = sandbox_command(FolderLimit::kNone);
    fault = try_program(check);
  }
  if (!fault.empty()) {
    check.fault = "bubblewrap does not work: " + fault;
    check.fix = fix_of_namespaces();
  }
  return check;
}

Sandbox::Sandbox(SandboxCheck machine, size_t num_at_once)
    : machine_(std::move(machine)), num_at_once_(num_at_once) {
  SFT_CHECK(machine_.fault.empty() && num_at_once > 0);
}

std::vector<ProgramEnd> Sandbox::run(std::span<const Program> programs,
                                     const OnDone& on_done) const {
  std::map<decltype(key_of(programs.front())), size_t> place_of;
  std::vector<const Program*> distinct;
  std::vector<size_t> places;
  for (const Program& program : programs) {
    const auto [entry, is_new] = place_of.emplace(key_of(program), distinct.size());
    if (is_new) {
      distinct.push_back(&program);
    }
    places.push_back(entry->second);
  }
  const std::vector<ProgramEnd> ends = run_all(distinct, machine_, num_at_once_, on_done);
  std::vector<ProgramEnd> all;
  all.reserve(places.size());
  for (const size_t place : places) {
    all.push_back(ends[place]);
  }
  return all;
}

}  // namespace sft
