// What signals mean to `weft node`: SIGINT, SIGTERM and SIGXCPU ask for a graceful end, a second one ends the
// process at once; SIGHUP has files of tokens read again; SIGQUIT and what reports a fault end it with a
// core; job control stops and continues it; every other one is ignored.
//
// Thread safety: threads inherit the blocked signals, so only `wait` sees them; call it from one thread.
#pragma once

#include <functional>

namespace weft {

/// Before `main`, and before other threads: where the arguments say `node`, blocks what `shutdown_signals`
/// waits for and ignores what has no meaning. Without it a signal of the first milliseconds would end the
/// process, or, sent to process 1, be lost; those before it, of the dynamic loader's time, are kept by
/// node/launcher for `weft`. The other subcommands keep what the system does with signals, but
/// end by SIGINT and SIGTERM also as process 1.
void prepare_signals(int argc, char** argv) noexcept;

class shutdown_signals {
 public:
  /// As `prepare_signals` for a node; twice is no harm.
  shutdown_signals();
  shutdown_signals(const shutdown_signals&) = delete;
  shutdown_signals& operator=(const shutdown_signals&) = delete;

  /// Returns the first signal that asks for an end; `on_hangup` is called for each SIGHUP before it. From
  /// then on another one ends the process with 128 + its number. Call it once.
  int wait(const std::function<void()>& on_hangup = {});
};

}  // namespace weft
