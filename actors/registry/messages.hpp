// What the registry is told and asked.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <caf/allowed_unsafe_message_type.hpp>

#include "actors/access/access_policy.hpp"
#include "actors/discovery/merge.hpp"
#include "actors/messages/keys.hpp"
#include "actors/methods/declaration.hpp"
#include "actors/registry/session_messages.hpp"

namespace weft {

/// What a peer actor reports about itself, whenever it changes.
struct peer_status {
  /// `conflict`: another node has the id of the node there, or of this one.
  enum class state : std::uint8_t {
    resolving,
    connecting,
    introducing,
    up,
    backing_off,
    self,
    conflict,
    draining
  };

  /// Its address: `address_key`.
  std::string key;
  state is = state::resolving;
  /// The peer's own node id, once introduced.
  std::string node;
  connection_address link;
  std::uint64_t attempts = 0;
  std::string last_error;
  std::chrono::system_clock::time_point since = std::chrono::system_clock::now();
};

std::string_view to_string(peer_status::state) noexcept;

/// From the peer manager: what the sources of peers list now, and whether each of them has been looked at.
struct peers_listed {
  peer_listings peers;
  bool complete = false;
};
/// From a peer actor that ends.
struct peer_gone {
  std::string key;
};

/// A connection has said what it serves; an empty list withdraws it.
struct service_changed {
  connection_address connection;
  service_declaration declaration;
  /// For `registered_message` once it is in force, or refused; 0 when nobody waits.
  std::uint64_t ticket = 0;
  /// The identity whose share it counts against with all its services; empty: the connection's own.
  std::string owner;
  /// Where it comes from, for the log.
  std::string address;
};
/// What a connection may serve has changed: whatever else it has registered is withdrawn.
struct serve_rights {
  connection_address connection;
  method_set serve;
};
/// A connection to another node was introduced, or is gone.
struct node_link_changed {
  connection_address link;
  std::string node;
  bool up = false;
  std::string incarnation;
  std::string address;
  /// The largest frame for it.
  std::size_t frame_bytes = 0;
};
/// Did the other side of this link answer when it was asked?
struct node_link_probed {
  connection_address link;
  bool alive = false;
};
/// A connection to another node carries no new calls, but for what nobody else serves if that node hands its
/// services over.
struct node_link_leaving {
  connection_address link;
  bool hands_over = false;
};
/// Another node told what it serves (`mesh.routes`), or asks for everything (`mesh.resync`).
struct node_routes {
  connection_address link;
  routes_message routes;
};
struct node_resync {
  connection_address link;
};
struct peers_query {};
struct known_peer {
  peer_listing listing;
  peer_status status;
  /// False while it drains.
  bool listed = true;
};
using peer_list = std::vector<known_peer>;
struct routes_query {};
/// How many patterns are served by services of this node and by no node that stays? Answered with a number.
struct served_only_here_query {};
/// Nothing is served here any more.
struct withdraw_all {};
struct publish_now {};
struct advertise_now {};

}  // namespace weft

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weft::peer_status)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weft::peers_listed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weft::peer_gone)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weft::service_changed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weft::serve_rights)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weft::node_link_changed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weft::node_link_leaving)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weft::node_link_probed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weft::node_routes)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weft::node_resync)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weft::peers_query)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weft::peer_list)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weft::routes_query)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weft::served_only_here_query)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weft::withdraw_all)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weft::publish_now)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weft::advertise_now)
