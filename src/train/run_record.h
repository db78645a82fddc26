#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "sft/core/clock.h"
#include "sft/io/json.h"

namespace sft {

// run.json: how a run went. The only file of a run, with the logs, that knows times, hosts and
// speeds. Each `save` replaces it.
struct RunRecord {
  std::string status = "running";  // running | done | failed | stopped
  std::string error;               // of a failed run
  double started = 0;              // unix seconds, of the first start
  int64_t starts = 0;              // 1: never continued
  std::string model_name;
  std::string model_sha256;
  std::string data_sha256;
  int64_t steps = 0;
  int64_t tokens = 0;
  int64_t response_tokens = 0;
  double seconds = 0;              // spent in steps
  double flops = 0;                // of these steps' arithmetic, recomputation left out
  double reference_flops = 0;      // a second, of the model's own products as measured here
  uint64_t peak_memory_bytes = 0;  // anonymous
  int threads = 0;
  Json planned;
};

void save_run_record(const std::filesystem::path& path, const RunRecord& record,
                     const Clock& clock);

// What an earlier start of the run left: when it began, how often it was started, its
// model's hash, its peak. Other
// fields are those of a new record. An unreadable file is as none: the state decides, not this.
RunRecord continued_run_record(const std::filesystem::path& path, const Clock& clock);

}  // namespace sft
