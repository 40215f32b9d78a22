#include "node/process/signals.hpp"

#include <array>
#include <csignal>
#include <string_view>

#include <unistd.h>

#include "node/process/exit_code.hpp"

#ifndef __has_feature
#define __has_feature(feature) 0
#endif

namespace weft {
namespace {

constexpr std::array ends = {SIGINT, SIGTERM, SIGXCPU};

// SIGXFSZ: a log file that reaches its limit is told by the write. SIGTTOU and SIGTTIN: a node in the
// background of a terminal goes on.
constexpr std::array meaningless = {SIGPIPE, SIGUSR1, SIGUSR2,   SIGALRM, SIGVTALRM, SIGPROF,
                                    SIGPOLL, SIGPWR,  SIGSTKFLT, SIGXFSZ, SIGTTIN,   SIGTTOU};

sigset_t waited_for() noexcept {
  sigset_t set;
  sigemptyset(&set);
  for (const int each : ends) sigaddset(&set, each);
  sigaddset(&set, SIGHUP);
  return set;
}

void prepare_node() noexcept {
  const sigset_t set = waited_for();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  for (const int each : meaningless) std::signal(each, SIG_IGN);
  for (int each = SIGRTMIN; each <= SIGRTMAX; ++each) std::signal(each, SIG_IGN);
}

extern "C" void end_at_once(int signal) {
  _exit(exit_signal_base + signal);
}

void end_by(int signal) noexcept {
  struct sigaction action{};
  action.sa_handler = end_at_once;
  sigaction(signal, &action, nullptr);
}

#if !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)
// Before the constructors of any library, which take milliseconds. Sanitizers intercept these calls and are
// not ready for them then.
[[gnu::section(".preinit_array"), gnu::used]] void (*prepare_first)(int, char**) = prepare_signals;
#endif

}  // namespace

void prepare_signals(int argc, char** argv) noexcept {
  if (argc > 1 && std::string_view(argv[1]) == "node") {
    prepare_node();
  } else if (getpid() == 1) {
    // The kernel keeps from process 1 whatever it has no handler for.
    end_by(SIGINT);
    end_by(SIGTERM);
  }
}

shutdown_signals::shutdown_signals() {
  prepare_node();
}

int shutdown_signals::wait(const std::function<void()>& on_hangup) {
  sigset_t set = waited_for();
  int signal = SIGHUP;
  while (signal == SIGHUP) {
    if (sigwait(&set, &signal) != 0) continue;
    if (signal == SIGHUP)
      if (on_hangup) on_hangup();
  }
  std::signal(SIGHUP, SIG_IGN);
  // A second signal that is already pending is delivered as soon as it is unblocked.
  for (const int each : ends) end_by(each);
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  return signal;
}

}  // namespace weft
