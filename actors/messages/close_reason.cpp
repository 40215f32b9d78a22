#include "actors/messages/close_reason.hpp"

namespace weft {

std::string_view to_string(close_reason reason) noexcept {
  switch (reason) {
    case close_reason::end_of_stream:
      return "end of stream";
    case close_reason::reset:
      return "reset by peer";
    case close_reason::framing_error:
      return "framing error";
    case close_reason::speaks_http:
      return explain(proto::foreign::http);
    case close_reason::speaks_tls:
      return explain(proto::foreign::tls);
    case close_reason::speaks_ssh:
      return explain(proto::foreign::ssh);
    case close_reason::speaks_something_else:
      return explain(proto::foreign::unknown);
    case close_reason::frame_timeout:
      return "frame not complete in time";
    case close_reason::unfinished_frames:
      return "most of an unfinished frame while the reactor holds too much of them";
    case close_reason::write_deadline:
      return "no write progress in time";
    case close_reason::output_budget:
      return "pending output over the hard limit";
    case close_reason::heartbeat_lost:
      return "silent for three heartbeat intervals";
    case close_reason::idle:
      return "idle";
    case close_reason::finished:
      return "finished";
    case close_reason::failed:
      return "failure inside the node";
    case close_reason::shutdown:
      return "shutdown";
  }
  return "unknown";
}

close_reason reason_of(proto::foreign found) noexcept {
  switch (found) {
    case proto::foreign::http:
      return close_reason::speaks_http;
    case proto::foreign::tls:
      return close_reason::speaks_tls;
    case proto::foreign::ssh:
      return close_reason::speaks_ssh;
    case proto::foreign::unknown:
      break;
  }
  return close_reason::speaks_something_else;
}

}  // namespace weft
