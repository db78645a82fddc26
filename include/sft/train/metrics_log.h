#pragma once

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <optional>

namespace sft {

// What one optimizer step tells; the fields of a line of metrics.jsonl.
struct StepMetrics {
  int64_t step = 0;   // from 1
  int64_t epoch = 0;  // from 1
  double loss = 0;    // nats a target token, before the update
  double learning_rate = 0;
  double grad_norm = 0;  // before clipping
  int64_t tokens = 0;
  int64_t response_tokens = 0;  // targets
  double seconds = 0;
  std::optional<double> validation_loss;
};

// metrics.jsonl: a line a step, each on disk as soon as the step is done.
class MetricsLog {
 public:
  // Continues the file after step `last_step`: later lines, of a run that was killed, are cut off.
  // Throws Error where the lines up to it are not all there.
  MetricsLog(std::filesystem::path path, int64_t last_step);
  void append(const StepMetrics& metrics);

 private:
  std::filesystem::path path_;
  std::ofstream file_;
};

}  // namespace sft
