#include "actors/transport/timeouts.hpp"

#include <algorithm>

namespace weft {
namespace {

// A half-closed plain client gets its answers; whether it is still there is asked after this long.
constexpr auto half_closed_probe = std::chrono::seconds(1);
// Unanswered heartbeats after which the other side is gone.
constexpr int heartbeats_lost = 3;
// The shortest time until the next look at a silent connection.
constexpr auto shortest_look = std::chrono::milliseconds(1);

timeout_verdict at(connection_times::time_point look_again, bool send_heartbeat = false) noexcept {
  return {.look_again = look_again, .send_heartbeat = send_heartbeat};
}

timeout_verdict over(close_reason why, metric counted, bool for_silence) noexcept {
  return {.over = timeout_verdict::end{why, counted, for_silence}};
}

}  // namespace

timeout_verdict check_progress(const connection_times& of, const limit_options& limits,
                               connection_times::time_point now) noexcept {
  auto next = timeout_verdict::never;
  if (of.frame_started != connection_times::time_point{} && of.input == reading::on) {
    const auto due = of.frame_started + limits.frame_timeout;
    if (now >= due) return over(close_reason::frame_timeout, metric::limit_frame_timeout, false);
    next = due;
  }
  if (of.has_output) {
    const auto due = of.write_progress + limits.write_deadline;
    if (now >= due) return over(close_reason::write_deadline, metric::limit_write_deadline, false);
    next = std::min<connection_times::time_point>(next, due);
  }
  return at(next);
}

timeout_verdict check_liveness(const connection_times& of, const limit_options& limits,
                               connection_times::time_point now) noexcept {
  if (of.input == reading::ended) {
    const bool due = now >= of.heartbeat_sent + half_closed_probe;
    return at((due ? now : of.heartbeat_sent) + half_closed_probe, due);
  }
  if (of.heartbeat.count() == 0) {
    if (limits.idle_timeout.count() == 0) return at(timeout_verdict::never);
    const auto due = of.last_read + limits.idle_timeout;
    return now < due ? at(due) : over(close_reason::idle, metric::limit_idle, true);
  }
  // A connection that is not read because its output is stuck falls to the write deadline, not to its
  // silence.
  if (of.input == reading::paused) return at(now + of.heartbeat);
  const auto lost = of.last_read + heartbeats_lost * of.heartbeat;
  if (now >= lost) return over(close_reason::heartbeat_lost, metric::limit_heartbeat, true);
  const bool due = now >= of.last_read + of.heartbeat && now >= of.heartbeat_sent + of.heartbeat;
  const auto sent = due ? now : of.heartbeat_sent;
  const auto probe = std::max(of.last_read, sent) + of.heartbeat;
  return at(std::min<connection_times::time_point>(
                lost, std::max<connection_times::time_point>(probe, now + shortest_look)),
            due);
}

}  // namespace weft
