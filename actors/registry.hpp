// The registry: one actor per node that owns the truth about the mesh (which peers there are and how they are) and
// publishes it to the routers as an immutable table.
//
// It runs on a thread of its own: handlers that block CAF's scheduler must not keep the mesh from learning anything.
#pragma once

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/stateful_actor.hpp>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "actors/routing.hpp"

namespace weft {

/// What a peer actor reports about itself, whenever it changes.
struct peer_status {
  enum class state : std::uint8_t { resolving, connecting, introducing, up, backing_off };

  std::string name;
  state is = state::resolving;
  std::string host;
  std::uint16_t port = 0;
  /// The peer's own node id, once introduced.
  std::string node;
  link_address link;
  std::uint64_t attempts = 0;
  std::string last_error;
  std::chrono::system_clock::time_point since = std::chrono::system_clock::now();
};

std::string_view to_string(peer_status::state) noexcept;

struct peers_query {};
using peer_list = std::vector<peer_status>;

struct registry_state {
  std::map<std::string, peer_status> peers;
  std::vector<caf::strong_actor_ptr> routers;
};

/// Messages: peer_status (a change), peers_query (answered with peer_list).
caf::behavior registry(caf::stateful_actor<registry_state>* self, std::vector<caf::strong_actor_ptr> routers);

}  // namespace weft

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weft::peer_status)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weft::peers_query)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weft::peer_list)
