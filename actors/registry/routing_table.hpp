// The routing table: an immutable snapshot that the registry publishes to every router.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "actors/admission/admission.hpp"
#include "actors/balance/endpoint.hpp"
#include "actors/balance/policy.hpp"
#include "actors/runtime/actor_message.hpp"
#include "actors/runtime/string_map.hpp"
#include "actors/telemetry/call_stats.hpp"

namespace weft {

struct peer_route {
  connection_address link;
  bool up = false;
  std::string host;
  std::uint16_t port = 0;
  /// Found by its node id, which this node's configuration does not name.
  bool by_id = false;
};

/// Who serves a method or everything with a prefix.
struct route {
  std::string pattern;
  std::vector<endpoint> endpoints;
  /// One of its instances streams, and all that do go on behind a cursor.
  bool streams = false;
  bool resumable = true;
  const balance_policy* policy = balance_policies().data();
  /// Present where the method or one of its instances has a limit of calls under way.
  std::shared_ptr<admission_state> admission;
};

struct routing_table {
  /// By the name the peer has in this node's configuration, or its address, and by its node id.
  string_map<peer_route> peers;
  string_map<route> exact;
  /// By `prefix.*` without the star.
  string_map<route> prefixes;

  /// Every listed peer has told what it serves, or cannot be reached: a method that is not here is
  /// nowhere.
  bool settled = false;

  /// An exact name wins over a prefix, a longer prefix over a shorter one.
  const route* find(std::string_view method) const noexcept;
  /// What is registered as exactly this pattern.
  const route* find_pattern(std::string_view pattern) const noexcept;
};

/// What a connection has registered, on its way to all routers.
struct registration {
  /// Routers that do not have it yet.
  std::atomic<std::size_t> missing;
  /// Who is told when they all do.
  std::size_t reactor_index = 0;
  std::uint64_t ticket = 0;
  /// Why it is not in force, if it was refused.
  std::string refusal;
};

class snapshot_message final : public actor_message {
 public:
  snapshot_message(std::shared_ptr<const routing_table> table,
                   std::vector<std::shared_ptr<registration>> with)
      : actor_message(type::snapshot), routes(std::move(table)), registrations(std::move(with)) {}
  std::shared_ptr<const routing_table> routes;
  /// That are in force with this table.
  std::vector<std::shared_ptr<registration>> registrations;
};

}  // namespace weft
