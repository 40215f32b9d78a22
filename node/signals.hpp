// SIGINT and SIGTERM: the first one asks for a graceful end, a second one ends the process at once.
//
// Construct it before any thread starts: threads inherit the blocked signals, so only `wait` sees them.
#pragma once

namespace weft {

class shutdown_signals {
 public:
  /// Blocks SIGINT and SIGTERM in this thread and those that it starts; ignores SIGPIPE, since a peer that
  /// left is reported by the write itself.
  shutdown_signals();
  shutdown_signals(const shutdown_signals&) = delete;
  shutdown_signals& operator=(const shutdown_signals&) = delete;

  /// Returns the first signal. From then on another one ends the process with 128 + its number. Call it once.
  int wait();
};

}  // namespace weft
