#include "eval/request_gate.h"

#include <algorithm>

namespace sft {
namespace {

using Clock = std::chrono::steady_clock;

Clock::duration as_duration(double seconds) {
  return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

}  // namespace

RequestGate::RequestGate(double requests_per_minute)
    : spacing_(requests_per_minute > 0 ? as_duration(60 / requests_per_minute)
                                       : Clock::duration::zero()),
      next_(Clock::now()) {}

bool RequestGate::pass() {
  std::unique_lock lock(mutex_);
  while (!is_closed_) {
    const Time now = Clock::now();
    if (now >= next_) {
      next_ = now + spacing_;
      return true;
    }
    closing_.wait_until(lock, next_);
  }
  return false;
}

void RequestGate::hold(double seconds) {
  const std::lock_guard guard(mutex_);
  next_ = std::max(next_, Clock::now() + as_duration(seconds));
}

bool RequestGate::sleep(double seconds) {
  std::unique_lock lock(mutex_);
  closing_.wait_for(lock, as_duration(seconds), [this] { return is_closed_; });
  return !is_closed_;
}

void RequestGate::close() {
  {
    const std::lock_guard guard(mutex_);
    is_closed_ = true;
  }
  closing_.notify_all();
}

bool RequestGate::is_closed() const {
  const std::lock_guard guard(mutex_);
  return is_closed_;
}

}  // namespace sft
