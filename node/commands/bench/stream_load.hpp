// Reads many streams at once from one thread, as the load generator makes requests: one receive and one send
// per wake-up of a connection. Each stream has `credit` items on their way at most, and is granted more when
// half of them have come; one that has ended is begun again.
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

/// Figures of the measured time, but for the first items, which count from the beginning of the warm-up:
/// streams may last. What else happened while warming up counts only as transport error or malformed message.
struct stream_result : load_outcome {
  std::uint64_t items = 0;
  /// Of the frames of the items, with their headers.
  std::uint64_t bytes = 0;
  double items_per_second = 0;
  double bytes_per_second = 0;
  /// Nanoseconds from a request to its first item, and from one item of a stream to the next. Items that came
  /// in one read have nothing between them.
  histogram first_item;
  histogram between_items;
  /// Answered with a result; and those of them that had no item at all.
  std::uint64_t ended = 0;
  std::uint64_t ended_without_item = 0;
  /// Streams that were open on failed connections.
  std::uint64_t lost_streams = 0;

  std::uint64_t failed() const { return errors() + malformed + lost_streams; }
};

struct stream_progress {
  /// Since the measurement began; negative while warming up.
  std::chrono::nanoseconds at{};
  double items_per_second = 0;
  double bytes_per_second = 0;
  const stream_result& so_far;
};

/// Opens the connections and `options.pipeline` streams on each, warms up, measures. `on_progress` is called
/// about once a second. The error says why no connection could be made.
std::expected<stream_result, std::string> read_streams(
    const bench_options& options, const std::function<void(const stream_progress&)>& on_progress);

}  // namespace weft::tools
