#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>

namespace sft {

// What all connections to one server pass before a request: keeps a rate, holds everyone back where
// the server asks for it, and lets nobody through once it is closed. Safe to share between threads.
class RequestGate {
 public:
  explicit RequestGate(double requests_per_minute);  // 0: no limit

  // Waits for this request's turn; false where the gate is closed.
  bool pass();
  // No request passes for so long.
  void hold(double seconds);
  // Waits; false where the gate is closed meanwhile.
  bool sleep(double seconds);
  void close();
  bool is_closed() const;

 private:
  using Time = std::chrono::steady_clock::time_point;

  mutable std::mutex mutex_;
  std::condition_variable closing_;
  std::chrono::steady_clock::duration spacing_;
  Time next_;  // when the next request may pass
  bool is_closed_ = false;
};

}  // namespace sft
