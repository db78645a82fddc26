#include "sft/core/log.h"

#include <memory>

#include <spdlog/sinks/stdout_color_sinks.h>

namespace sft {

void init_logging(LogLevel level) {
  auto logger = std::make_shared<spdlog::logger>(
      "sft", std::make_shared<spdlog::sinks::stderr_color_sink_mt>());
  logger->set_pattern("%H:%M:%S %^%L%$ %v");
  switch (level) {
    case LogLevel::kQuiet:
      logger->set_level(spdlog::level::warn);
      break;
    case LogLevel::kNormal:
      logger->set_level(spdlog::level::info);
      break;
    case LogLevel::kVerbose:
      logger->set_level(spdlog::level::debug);
      break;
  }
  spdlog::set_default_logger(std::move(logger));
}

}  // namespace sft
