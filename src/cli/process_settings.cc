#include "cli/process_settings.h"

#include <cstdlib>
#include <filesystem>
#include <system_error>

#include <unistd.h>

namespace sft {
namespace {

// Whether the variable was not set before.
bool set_default(const char* name, const char* value) {
  return getenv(name) == nullptr && setenv(name, value, /*overwrite=*/0) == 0;
}

}  // namespace

void apply_process_settings(char** argv) {
  bool has_news = false;
  // OpenMP threads that wait for each other spin for milliseconds by default. That is fast on a
  // machine of one's own and ruins a shared one: the spinning thread keeps the one that it waits
  // for from being scheduled (measured on two busy cores: the model tests 20 s against 1.2 s). A
  // spin of some ten microseconds loses nothing on a quiet machine.
  if (getenv("OMP_WAIT_POLICY") == nullptr) {
    has_news = set_default("GOMP_SPINCOUNT", "4000");
  }
  // oneDNN keeps the code that it makes for each size of a product, a thousand of them by default.
  // Packed batches are of any size, so that a run's memory grew by some hundred MB over its first
  // steps; a step meets fewer sizes than this again (measured: 1.46 for 1.75 GB, no slower).
  has_news = set_default("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "96") || has_news;
  if (!has_news) {
    return;
  }
  // By its own path, since the process takes the name of what it is started from.
  std::error_code error;
  const std::filesystem::path binary = std::filesystem::read_symlink("/proc/self/exe", error);
  execv(error ? "/proc/self/exe" : binary.c_str(), argv);
  // Where that is not possible, the program is slower on a busy machine, and no worse.
}

}  // namespace sft
