// How much a connection, a reactor and the node take on.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "actors/config/types.hpp"

namespace weft {

struct limit_options {
  std::size_t frame_bytes = 1 << 20;
  std::size_t depth = 64;
  std::size_t batch_size = 100;
  /// 0: half of RLIMIT_NOFILE.
  std::size_t connections = 0;
  std::size_t in_flight_per_connection = 1024;
  std::size_t method_name_bytes = 256;
  std::size_t served_methods_per_connection = 1024;
  /// Pending output from which a connection is no longer read, and calls to it are refused.
  std::size_t output_soft_bytes = 1 << 20;
  /// Pending output at which a connection is cut.
  std::size_t output_hard_bytes = 64 << 20;
  /// Cut when pending output makes no progress for so long.
  milliseconds write_deadline{10'000};
  /// A frame must be complete so long after its first byte.
  milliseconds frame_timeout{10'000};
  /// A connection that never introduced itself and says nothing for so long is closed; 0 is never.
  milliseconds idle_timeout{0};
  /// A TLS handshake takes no longer, and so many run at once on each reactor.
  milliseconds handshake_timeout{10'000};
  std::size_t handshakes = 256;
  std::size_t blocking_calls = 256;
  std::size_t blocking_threads = 4;
  /// Calls under way on one reactor, in both directions.
  std::size_t calls_per_reactor = 65'536;
  /// What one reactor keeps of requests: as text, so that they can wait or be sent again, and as values, for
  /// handlers.
  std::size_t held_request_bytes = 128 << 20;
  /// The bytes of frames that one reactor has read but that are not complete yet.
  std::size_t unfinished_frame_bytes = 64 << 20;
  /// The largest part of a limit of a reactor or of the node that one connection or identity may take; of
  /// `connections`, one identity.
  std::size_t share_percent = 25;
  /// What the params of one `connect` may take when they are read.
  std::size_t connect_bytes = 4 << 20;
  /// The JSON schema of one method's params or result, as text.
  std::size_t schema_bytes = 16 << 10;
  /// The schemas of all methods that this node knows of; a connection or node link may bring its share.
  std::size_t schema_total_bytes = 16 << 20;
  /// Series of calls, by method and outcome, that one reactor counts, and how long those of a method stay
  /// that nobody serves any more.
  std::size_t call_series = 4'096;
  milliseconds call_series_retention{300'000};
  /// Methods that this node knows of, its own services' and other nodes'; a node link may bring its share.
  std::size_t routes = 65'536;
  /// Values are calls under way of all the methods a rule covers, on this node.
  std::vector<method_rule> method_in_flight;
  /// Calls of one method pattern that wait on one reactor for room; 0 refuses at once.
  std::size_t queue_length = 256;
  /// How long a call waits for room, and how long once the queue has not been empty for that time.
  milliseconds queue_interval{100};
  milliseconds queue_target{5};
  /// The values in each direction of a stream that may wait in this node.
  std::size_t stream_window_bytes = 256 << 10;
  /// The answer to a caller that has not asked for a stream: all its items together.
  std::size_t stream_gather_bytes = 1 << 20;
};

/// A frame that a client may send is never too large for a link to another node, which adds an id of its own,
/// a deadline and a trace.
constexpr std::size_t link_frame_bytes(const limit_options& limits) noexcept {
  constexpr std::size_t added = 4096;
  return limits.frame_bytes + added;
}

/// Part of `limit` that one of them may take, but never less than `least` of it.
constexpr std::size_t share_of(std::size_t limit, std::size_t percent, std::size_t least) noexcept {
  return std::min(limit, std::max(limit / 100 * percent + limit % 100 * percent / 100, least));
}

}  // namespace weft
