#pragma once

#include <string>

namespace sft {

// The seam for time, so that tests decide what it is.
class Clock {
 public:
  virtual ~Clock() = default;
  // Seconds since an arbitrary start; never goes back.
  virtual double monotonic_seconds() const = 0;
  // Seconds since 1970-01-01 00:00 UTC.
  virtual double unix_seconds() const = 0;
};

// The machine's clock.
class SystemClock final : public Clock {
 public:
  double monotonic_seconds() const override;
  double unix_seconds() const override;
};

// "2026-01-31T09:05:00Z".
std::string iso_time(double unix_seconds);

}  // namespace sft
