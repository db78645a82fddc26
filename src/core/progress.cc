#include "sft/core/progress.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include <fmt/format.h>
#include <unistd.h>

#include "sft/core/format.h"

namespace sft {
namespace {

constexpr double kTerminalSeconds = 0.2;
constexpr double kLogSeconds = 30;
constexpr size_t kBarWidth = 24;

}  // namespace

Progress::Progress(Options options, const Clock& clock)
    : options_(std::move(options)), clock_(clock), is_terminal_(isatty(STDERR_FILENO) != 0) {}

Progress::~Progress() {
  if (has_line_ && is_terminal_) {
    std::fputc('\n', stderr);
  }
}

void Progress::update(uint64_t done, const std::string& detail) {
  if (options_.is_quiet) {
    return;
  }
  const double now = clock_.monotonic_seconds();
  if (!has_started_) {
    has_started_ = true;
    first_done_ = done;
    first_seconds_ = now;
    shown_seconds_ = now - (is_terminal_ ? kTerminalSeconds : 0);
  }
  const double pause = is_terminal_ ? kTerminalSeconds : kLogSeconds;
  const bool is_last = done >= options_.total;
  if (now - shown_seconds_ < pause && !is_last) {
    return;
  }
  shown_seconds_ = now;
  has_line_ = true;
  const std::string text = line(done, detail);
  // \r and "clear to the end of the line" redraw the bar in place.
  // A closed stderr is no reason to end the work, so the result is not looked at.
  std::fputs((is_terminal_ ? "\r" + text + "\033[K" : text + "\n").c_str(), stderr);
  std::fflush(stderr);
}

std::string Progress::line(uint64_t done, const std::string& detail) const {
  const double elapsed = clock_.monotonic_seconds() - first_seconds_;
  const auto fresh = static_cast<double>(done - std::min(first_done_, done));
  const double rate = elapsed > 0 ? fresh / elapsed : 0;
  const auto left = static_cast<double>(options_.total - std::min(done, options_.total));
  std::string text = options_.what;
  if (is_terminal_ && options_.total > 0) {
    const size_t filled = std::min<size_t>(kBarWidth, kBarWidth * done / options_.total);
    text += " [" + std::string(filled, '#') + std::string(kBarWidth - filled, '.') + "]";
  }
  text += fmt::format(" {} {}/{}", options_.unit, done, options_.total);
  if (!detail.empty()) {
    text += ", " + detail;
  }
  text += ", " + format_seconds(elapsed) + " gone";
  if (rate > 0 && left > 0) {
    text += ", " + format_seconds(left / rate) + " left";
  }
  return text;
}

}  // namespace sft
