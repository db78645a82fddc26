// Runs a fuzzer built with GCC, which has no libFuzzer: mutates inputs, keeps those that reach new
// code, and saves the one that fails.
//
//   x_fuzz [--seconds N] [--runs N] [--seed N] [--save FOLDER] [FILE...]
//
// FILEs are run once each, to see a saved failure again. Otherwise it goes on for N seconds (60) or
// runs. The work is done in a child process; the parent takes from shared memory what the child was
// at when it died (a sanitizer's finding, a failed check, a foreign exception), computed or waited
// for too long or took 3 GB. Exit code 1 and a saved input where one failed.

#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <new>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "coverage.h"
#include "fuzz.h"
#include "mutator.h"

extern "C" const char* __asan_default_options() {
  return "hard_rss_limit_mb=3000:max_allocation_size_mb=2000:allocator_may_return_null=0";
}
extern "C" const char* __ubsan_default_options() {
  return "print_stacktrace=1";
}

namespace sft {
namespace {

namespace fs = std::filesystem;
using Seconds = std::chrono::duration<double>;
using SteadyClock = std::chrono::steady_clock;

constexpr size_t kMaxBytes = 1 << 15;
// One input's limits. Others may want the processor too, so that what counts is the child's own
// time.
constexpr double kMostCpuSeconds = 20;
constexpr double kMostWallSeconds = 600;
constexpr double kReportSeconds = 60;

struct Options {
  double seconds = 60;
  uint64_t runs = UINT64_MAX;
  uint64_t seed = std::random_device()();
  fs::path save = ".";
  std::vector<fs::path> files;
};

// What the parent sees of the child.
struct Shared {
  std::atomic<uint64_t> runs{0};
  std::atomic<uint64_t> kept{0};
  std::atomic<uint64_t> edges{0};
  std::atomic<size_t> size{0};
  std::array<uint8_t, kMaxBytes> input{};
};

[[noreturn]] void refuse(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  std::exit(2);
}

Options read_options(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string flag = argv[i];
    if (!flag.starts_with("--")) {
      options.files.emplace_back(flag);
      continue;
    }
    if (++i == argc) {
      refuse(flag + ": a value is missing");
    }
    const char* const value = argv[i];
    if (flag == "--seconds") {
      options.seconds = std::strtod(value, nullptr);
    } else if (flag == "--runs") {
      options.runs = std::strtoull(value, nullptr, 10);
    } else if (flag == "--seed") {
      options.seed = std::strtoull(value, nullptr, 10);
    } else if (flag == "--save") {
      options.save = value;
    } else {
      refuse(flag + ": unknown; known: --seconds, --runs, --seed, --save");
    }
  }
  return options;
}

std::string read_bytes(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    refuse(path.string() + ": cannot be read");
  }
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void run_input(const std::string& input) {
  // A copy of exactly its size, so that a read past the end is seen.
  const std::vector<uint8_t> bytes(input.begin(), input.end());
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
}

// The child's work.
class Fuzzer {
 public:
  Fuzzer(const Options& options, Shared& shared)
      : options_(options),
        shared_(shared),
        mutator_(options.seed, fuzz_words == nullptr ? std::vector<std::string>() : fuzz_words(),
                 kMaxBytes) {}

  void run() {
    const auto end = SteadyClock::now() + Seconds(options_.seconds);
    keep_seeds();
    while (SteadyClock::now() < end && shared_.runs < options_.runs) {
      try_input(mutator_.mutate(some_kept(), some_kept()));
    }
  }

 private:
  void keep_seeds() {
    corpus_ = {""};
    for (const std::string& seed :
         fuzz_seeds == nullptr ? std::vector<std::string>() : fuzz_seeds()) {
      if (seed.size() > kMaxBytes) {
        refuse("a seed is longer than an input may be");
      }
      try_input(seed);
      corpus_.push_back(seed);
    }
  }

  // Half of the time one of the newest, which reached what the others did not.
  const std::string& some_kept() {
    constexpr size_t kNewest = 32;
    const size_t skipped =
        mutator_.below(2) == 0 && corpus_.size() > kNewest ? corpus_.size() - kNewest : 0;
    return corpus_[skipped + mutator_.below(corpus_.size() - skipped)];
  }

  void try_input(const std::string& input) {
    std::memcpy(shared_.input.data(), input.data(), input.size());
    shared_.size = input.size();
    ++shared_.runs;
    start_coverage();
    run_input(input);
    if (found_new_coverage()) {
      corpus_.push_back(input);
      shared_.kept = corpus_.size();
      shared_.edges = num_covered_edges();
    }
  }

  const Options& options_;
  Shared& shared_;
  Mutator mutator_;
  std::vector<std::string> corpus_;
};

void report(const std::string& name, const Options& options, const Shared& shared,
            SteadyClock::time_point begin) {
  const double seconds = Seconds(SteadyClock::now() - begin).count();
  const uint64_t runs = shared.runs;
  std::fprintf(
      stderr, "%s: %llu runs in %.0f s (%.0f/s), %llu inputs kept, %llu edges, seed %llu\n",
      name.c_str(), static_cast<unsigned long long>(runs), seconds,
      static_cast<double>(runs) / seconds, static_cast<unsigned long long>(shared.kept),
      static_cast<unsigned long long>(shared.edges), static_cast<unsigned long long>(options.seed));
}

fs::path save_input(const std::string& name, const Options& options, const Shared& shared) {
  fs::create_directories(options.save);
  fs::path path = options.save / (name + "-failed-" + std::to_string(options.seed) + "-" +
                                  std::to_string(shared.runs));
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(shared.input.data()),
             static_cast<std::streamsize>(shared.size));
  return path;
}

// CPU time of a process so far; 0 where it has ended.
double cpu_seconds(pid_t process) {
  clockid_t clock = 0;
  timespec time{};
  if (clock_getcpuclockid(process, &clock) != 0 || clock_gettime(clock, &time) != 0) {
    return 0;
  }
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

// Waits for the child; its wait status. Kills it where it hangs.
int watch(pid_t child, const std::string& name, const Options& options, const Shared& shared) {
  const auto begin = SteadyClock::now();
  auto last_report = begin;
  auto last_progress = begin;
  double cpu_at_progress = 0;
  uint64_t last_runs = 0;
  int status = 0;
  while (waitpid(child, &status, WNOHANG) == 0) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    const auto now = SteadyClock::now();
    const double cpu = cpu_seconds(child);
    if (shared.runs != last_runs) {
      last_runs = shared.runs;
      last_progress = now;
      cpu_at_progress = cpu;
    } else if (cpu - cpu_at_progress > kMostCpuSeconds ||
               now - last_progress > Seconds(kMostWallSeconds)) {
      std::fprintf(stderr, "%s: hangs, after %.0f s of CPU time\n", name.c_str(),
                   cpu - cpu_at_progress);
      kill(child, SIGKILL);
      last_progress = now;
    }
    if (now - last_report > Seconds(kReportSeconds)) {
      report(name, options, shared, begin);
      last_report = now;
    }
  }
  report(name, options, shared, begin);
  return status;
}

int fuzz(const std::string& name, const Options& options) {
  void* const memory =
      mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    refuse("no shared memory");
  }
  auto* const shared = new (memory) Shared;
  // What the child leaves behind when it dies goes with this folder.
  if (access("/dev/shm", W_OK) == 0) {
    setenv("TMPDIR", "/dev/shm", /*overwrite=*/0);
  }
  const TempFolder folder;
  setenv("TMPDIR", folder.path().c_str(), /*overwrite=*/1);
  const pid_t child = fork();
  if (child < 0) {
    refuse("no process to work in");
  }
  if (child == 0) {
    Fuzzer(options, *shared).run();
    _exit(0);
  }
  const int status = watch(child, name, options, *shared);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
    return 0;
  }
  const fs::path saved = save_input(name, options, *shared);
  std::fprintf(stderr, "%s: FAILED; the input is in %s, run it with: %s %s\n", name.c_str(),
               saved.c_str(), name.c_str(), saved.c_str());
  return 1;
}

}  // namespace
}  // namespace sft

int main(int argc, char** argv) {
  const sft::Options options = sft::read_options(argc, argv);
  for (const auto& file : options.files) {
    sft::run_input(sft::read_bytes(file));
  }
  return options.files.empty() ? sft::fuzz(std::filesystem::path(argv[0]).filename(), options) : 0;
}
