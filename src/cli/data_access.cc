#include "cli/data_access.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <thread>
#include <utility>

#include <spdlog/spdlog.h>

#include "cli/model_names.h"
#include "cli/train_config_file.h"

namespace sft {
namespace {

using Seconds = std::chrono::duration<double>;
constexpr Seconds kBetweenLines(30);

// Told now and then, since gigabytes take minutes.
std::function<void(const std::string&, int64_t)> rows_log() {
  auto last =
      std::make_shared<std::chrono::steady_clock::time_point>(std::chrono::steady_clock::now());
  return [last](const std::string& dataset, int64_t rows) {
    const auto now = std::chrono::steady_clock::now();
    if (now - *last >= kBetweenLines) {
      *last = now;
      spdlog::info("[data] {}: {} rows read", dataset, rows);
    }
  };
}

}  // namespace

DataAccess open_data(const std::string& config, const CommonOptions& common) {
  DataAccess access;
  access.config = load_train_config(config, common.overrides);
  PrepareOptions& options = access.options;
  options.loss_on = access.config.train.loss_on;
  options.threads = common.threads > 0
                        ? common.threads
                        : static_cast<int>(std::max(1U, std::thread::hardware_concurrency()));
  options.on_rows = rows_log();
  options.find_tokenizer = [common](const std::string& name) {
    return tokenizer_source(name, resolve_tokenizer(name, common));
  };
  options.fetch = [common](const HubSource& source) { return fetch_dataset(source, common); };
  access.own = options.find_tokenizer(access.config.model);
  // Loaded once, however often it is asked for.
  auto loaded = std::make_shared<std::shared_ptr<const Tokenizer>>();
  access.own.load = [loaded, load = std::move(access.own.load)] {
    if (*loaded == nullptr) {
      *loaded = load();
    }
    return *loaded;
  };
  return access;
}

}  // namespace sft
