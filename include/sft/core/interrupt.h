#pragma once

namespace sft {

// Asks the running command to save and stop: SIGINT, SIGTERM and SIGUSR1 set a flag that long work
// reads between its units (a step, a batch). A second SIGINT ends the process at once, as does one
// that comes while no InterruptScope lives: a command with nothing to save dies as usual.
class InterruptScope {
 public:
  InterruptScope();   // installs the handlers
  ~InterruptScope();  // puts the former ones back
  InterruptScope(const InterruptScope&) = delete;
  InterruptScope& operator=(const InterruptScope&) = delete;

  bool requested() const;
};

}  // namespace sft
