// What a running node tells about itself: plain values, read by the admin pages and the metrics exposition.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "actors/runtime/metrics.hpp"

namespace weft {

/// One duration histogram: calls to one method with one outcome.
struct call_series {
  enum class side : std::uint8_t { server, client };
  side at = side::server;
  /// A registered method's name, or "_OTHER".
  std::string method;
  /// 0 for success, else the JSON-RPC or mesh error code.
  std::int32_t code = 0;
  /// Client side only: the peer that was called.
  std::string server_address;
  std::uint16_t server_port = 0;
  /// Counts per bucket (not cumulative), the last one is +Inf.
  std::array<std::uint64_t, duration_bounds_ns.size() + 1> buckets{};
  std::uint64_t sum_ns = 0;
};

struct peer_state_count {
  std::string state;
  std::int64_t count = 0;
};

struct service_count {
  std::string service;
  std::uint64_t count = 0;
};

/// All reactors' numbers, added up.
struct metrics_snapshot {
  std::array<std::int64_t, metric_count> values{};
  std::vector<call_series> calls;
  std::vector<peer_state_count> peers;
  /// Several of one service where several reactors have counted it.
  std::vector<service_count> malformed_responses;
  /// Calls refused because of quotas, by identity.
  std::vector<service_count> over_quota;
  std::int64_t reactors = 0;
};

struct readiness_check {
  std::string name;
  bool ok = false;
  std::string detail;
};

}  // namespace weft
