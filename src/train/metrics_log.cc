#include "sft/train/metrics_log.h"

#include <cerrno>
#include <cstring>
#include <string>

#include "sft/core/error.h"
#include "sft/io/file.h"
#include "sft/io/json.h"

namespace sft {
namespace {

// The bytes of the first `num_lines` whole lines.
std::string first_lines(const std::string& text, int64_t num_lines, const std::string& path) {
  size_t end = 0;
  for (int64_t line = 0; line < num_lines; ++line) {
    const size_t newline = text.find('\n', end);
    if (newline == std::string::npos) {
      throw Error(path + ": holds " + std::to_string(line) +
                  " lines, the training state is at step " + std::to_string(num_lines) +
                  "; restore the file, or start in a new folder");
    }
    end = newline + 1;
  }
  return text.substr(0, end);
}

}  // namespace

MetricsLog::MetricsLog(std::filesystem::path path, int64_t last_step) : path_(std::move(path)) {
  std::error_code error;
  if (last_step > 0 || std::filesystem::exists(path_, error)) {
    write_file(path_, first_lines(read_file(path_), last_step, path_.string()));
  }
  file_.open(path_, std::ios::binary | std::ios::app);
  if (!file_) {
    throw Error(path_.string() + ": cannot be written: " + std::strerror(errno));
  }
}

void MetricsLog::append(const StepMetrics& metrics) {
  Json line = {{"step", metrics.step},
               {"epoch", metrics.epoch},
               {"loss", metrics.loss},
               {"learning_rate", metrics.learning_rate},
               {"grad_norm", metrics.grad_norm},
               {"tokens", metrics.tokens},
               {"response_tokens", metrics.response_tokens},
               {"seconds", metrics.seconds}};
  if (metrics.validation_loss.has_value()) {
    line["validation_loss"] = *metrics.validation_loss;
  }
  file_ << dump_json(line, JsonLayout::kCompact) << '\n' << std::flush;
  if (!file_) {
    throw Error(path_.string() + ": writing failed: " + std::strerror(errno));
  }
}

}  // namespace sft
