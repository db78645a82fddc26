#include "cli/data_access.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <thread>

#include <spdlog/spdlog.h>

namespace sft {
namespace {

using Seconds = std::chrono::duration<double>;
constexpr Seconds kBetweenLines(30);

}  // namespace

PrepareOptions data_options(const TrainConfig& config, const CommonOptions& common) {
  PrepareOptions options;
  options.loss_on = config.train.loss_on;
  options.threads = common.threads > 0
                        ? common.threads
                        : static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  auto last =
      std::make_shared<std::chrono::steady_clock::time_point>(std::chrono::steady_clock::now());
  options.on_rows = [last](const std::string& dataset, int64_t rows) {
    const auto now = std::chrono::steady_clock::now();
    if (now - *last >= kBetweenLines) {
      *last = now;
      spdlog::info("[data] {}: {} rows read", dataset, rows);
    }
  };
  return options;
}

TokenizerSource own_tokenizer(const TrainConfig& config) {
  TokenizerSource source = tokenizer_source(config.model, config.model);
  // Loaded once, however often it is asked for.
  auto loaded = std::make_shared<std::shared_ptr<const Tokenizer>>();
  source.load = [loaded, load = std::move(source.load)] {
    if (*loaded == nullptr) {
      *loaded = load();
    }
    return *loaded;
  };
  return source;
}

}  // namespace sft
