#include "sft/core/interrupt.h"

#include <array>
#include <csignal>

namespace sft {
namespace {

constexpr std::array kSignals = {SIGINT, SIGTERM, SIGUSR1};

// A signal handler can reach nothing but such a variable.
volatile std::sig_atomic_t g_requested = 0;

void on_signal(int signal) {
  if (g_requested != 0 && signal == SIGINT) {
    std::signal(signal, SIG_DFL);
    std::raise(signal);
    return;
  }
  g_requested = 1;
}

}  // namespace

InterruptScope::InterruptScope() {
  g_requested = 0;
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  for (const int signal : kSignals) {
    sigaction(signal, &action, nullptr);
  }
}

InterruptScope::~InterruptScope() {
  for (const int signal : kSignals) {
    std::signal(signal, SIG_DFL);
  }
}

bool InterruptScope::requested() const {
  return g_requested != 0;
}

}  // namespace sft
