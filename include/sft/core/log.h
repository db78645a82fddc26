#pragma once

#include <spdlog/spdlog.h>

namespace sft {

enum class LogLevel { kQuiet, kNormal, kVerbose };

// Sends spdlog's default logger to stderr: warnings only, what a person waits for, or all that a
// developer asks for. Call once, from the binary. Everyone else calls spdlog::info and the like
// with a message of the form "[layer] fact key=value".
void init_logging(LogLevel level);

}  // namespace sft
