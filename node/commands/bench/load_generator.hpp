// Generates load on one node from one thread: own epoll loop, one receive and one send per wake-up of a
// connection.
//
// Closed loop: every answer triggers the next request of its slot. Open loop: requests are due at fixed
// intervals, and a latency counts from the time its request was due, so a server that stalls cannot hide what
// it kept waiting (no coordinated omission).
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <string>

#include "node/commands/bench/histogram.hpp"
#include "node/commands/bench/load_outcome.hpp"
#include "node/commands/bench/options.hpp"

namespace weft::tools {

/// What happened while warming up counts only as transport error or malformed answer.
struct load_result : load_outcome {
  double requests_per_second = 0;
  /// Answers with a result. An open loop's include those that came within the grace time after the end.
  std::uint64_t succeeded = 0;
  /// In nanoseconds, of every answer; those of a batch have the batch's.
  histogram latency;
  /// Requests that were in flight on failed connections.
  std::uint64_t lost_requests = 0;

  /// Open loop only: due, but without a free slot by the end; each is in `latency` with the time it had
  /// waited.
  std::uint64_t unsent = 0;
  /// Open loop only: sent, but not answered within the grace time; in `latency` likewise.
  std::uint64_t unanswered = 0;

  std::uint64_t failed() const;
};

struct load_progress {
  /// Since the measurement began; negative while warming up.
  std::chrono::nanoseconds at{};
  double requests_per_second = 0;
  const load_result& so_far;
};

/// Opens the connections, warms up, measures. `on_progress` is called about once a second. The error says why
/// no connection could be made.
std::expected<load_result, std::string> generate_load(
    const bench_options& options, const std::function<void(const load_progress&)>& on_progress);

}  // namespace weft::tools
