// What a router is asked and told by its node: looks at its state, the drain, its beginning and end.
#pragma once

#include <chrono>
#include <cstdint>
#include <future>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "actors/runtime/actor_message.hpp"
#include "actors/telemetry/snapshot.hpp"

namespace weft {

/// From another thread: a look at the router's state.
struct router_report {
  nlohmann::json connections = nlohmann::json::array();
  std::vector<call_series> calls;
  std::vector<service_count> malformed_responses;
  /// By identity.
  std::vector<service_count> over_quota;
  std::size_t in_flight = 0;
  std::size_t introduced = 0;
  std::size_t pending_output_bytes = 0;
  std::int64_t last_request_ns = 0;
};

class inspect_message final : public actor_message {
 public:
  explicit inspect_message(bool with_connections) noexcept
      : actor_message(type::inspect), connections(with_connections) {}
  bool connections;
  std::promise<router_report> report;
};

class drain_message final : public actor_message {
 public:
  drain_message(std::chrono::milliseconds time_left, bool finish_now) noexcept
      : actor_message(type::drain), deadline(time_left), finish(finish_now) {}
  std::chrono::milliseconds deadline;
  /// Everything is answered: close the connections once their output is written.
  bool finish;
};

/// To an actor that begins to work only now, on its own thread.
class start_message final : public actor_message {
 public:
  start_message() noexcept : actor_message(type::start) {}
};

class close_message final : public actor_message {
 public:
  explicit close_message(close_reason reason = close_reason::shutdown) noexcept
      : actor_message(type::close), why(reason) {}
  close_reason why;
};

}  // namespace weft
