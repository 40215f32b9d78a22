#include "node/signals.hpp"

#include <csignal>

#include <unistd.h>

#include "node/exit_code.hpp"

namespace weft {
namespace {

sigset_t shutdown_set() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

extern "C" void end_at_once(int signal) {
  _exit(exit_signal_base + signal);
}

}  // namespace

shutdown_signals::shutdown_signals() {
  std::signal(SIGPIPE, SIG_IGN);
  const sigset_t set = shutdown_set();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

int shutdown_signals::wait() {
  const sigset_t set = shutdown_set();
  int signal = 0;
  while (sigwait(&set, &signal) != 0) {
  }
  // A second signal that is already pending is delivered as soon as it is unblocked.
  struct sigaction action{};
  action.sa_handler = end_at_once;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  return signal;
}

}  // namespace weft
