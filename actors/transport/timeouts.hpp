// When a connection has taken too long, and when to look again: decided from what is known of it. Pure
// functions.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "actors/config/options.hpp"
#include "actors/messages/close_reason.hpp"
#include "actors/runtime/metrics.hpp"

namespace weft {

/// What a connection does with its input. `ended`: the other side has finished sending.
enum class reading : std::uint8_t { on, paused, ended, discarding };

struct connection_times {
  using time_point = std::chrono::steady_clock::time_point;

  reading input = reading::on;
  /// The epoch when no frame is incomplete.
  time_point frame_started{};
  time_point last_read{};
  bool has_output = false;
  /// When the kernel took some of the output last.
  time_point write_progress{};
  /// 0 for who was not introduced.
  std::chrono::milliseconds heartbeat{0};
  time_point heartbeat_sent{};
};

struct timeout_verdict {
  static constexpr auto never = connection_times::time_point::max();

  connection_times::time_point look_again = never;
  bool send_heartbeat = false;
  /// The connection is over; when for its silence, then unless there is something to be read after all.
  struct end {
    close_reason why;
    metric counted;
    bool for_silence;
  };
  std::optional<end> over{};
};

/// Slow: the output or a frame makes no progress.
timeout_verdict check_progress(const connection_times& of, const limit_options& limits,
                               connection_times::time_point now) noexcept;
/// Silent: the other side says nothing, not even that it lives.
timeout_verdict check_liveness(const connection_times& of, const limit_options& limits,
                               connection_times::time_point now) noexcept;

}  // namespace weft
