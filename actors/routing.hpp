// The routing table: an immutable snapshot that the registry publishes to every router.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "actors/actor_message.hpp"
#include "actors/batch.hpp"
#include "actors/call_stats.hpp"

namespace weft {

/// A connection anywhere in this process.
struct link_address {
  std::size_t shard = 0;
  connection_key key;
  friend bool operator==(const link_address&, const link_address&) = default;
};

struct peer_route {
  link_address link;
  bool up = false;
  std::string host;
  std::uint16_t port = 0;
};

struct routing_table {
  /// By the name the peer has in this node's configuration.
  string_map<peer_route> peers;
};

class snapshot_message final : public actor_message {
 public:
  explicit snapshot_message(std::shared_ptr<const routing_table> table)
      : actor_message(type::snapshot), routes(std::move(table)) {}
  std::shared_ptr<const routing_table> routes;
};

}  // namespace weft
