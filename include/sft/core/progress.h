#pragma once

#include <cstdint>
#include <string>

#include "sft/core/clock.h"

namespace sft {

// What stderr shows of long work: a bar with rate and time left that redraws itself where stderr is
// a terminal, else a line at most every 30 s. Not thread-safe. `clock` must outlive it.
class Progress {
 public:
  // `what` names the work ("train", "eval gsm8k"); `total` units are to be done.
  struct Options {
    std::string what;
    std::string unit;  // "step", "question"
    uint64_t total = 0;
    bool is_quiet = false;
  };
  Progress(Options options, const Clock& clock);
  ~Progress();  // ends the line
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // `done` of the total are ready; `detail` is shown behind the bar ("loss 1.234, 512 tokens/s").
  // Work done before this process started (a resumed run) is told by the first call.
  void update(uint64_t done, const std::string& detail);

 private:
  std::string line(uint64_t done, const std::string& detail) const;

  Options options_;
  const Clock& clock_;
  bool is_terminal_;
  bool has_line_ = false;
  bool has_started_ = false;
  uint64_t first_done_ = 0;
  double first_seconds_ = 0;
  double shown_seconds_ = 0;
};

}  // namespace sft
