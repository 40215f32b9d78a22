#include "actors/registry.hpp"

#include <memory>
#include <utility>

namespace weft {
namespace {

void publish(const registry_state& state) {
  auto table = std::make_shared<routing_table>();
  for (const auto& [name, peer] : state.peers) {
    table->peers.emplace(name, peer_route{peer.link, peer.is == peer_status::state::up, peer.host, peer.port});
  }
  for (const auto& router : state.routers) {
    auto message = make_actor_message<snapshot_message>(table);
    router->enqueue(caf::mailbox_element_ptr(message.release()), nullptr);
  }
}

}  // namespace

std::string_view to_string(peer_status::state state) noexcept {
  switch (state) {
    case peer_status::state::resolving: return "resolving";
    case peer_status::state::connecting: return "connecting";
    case peer_status::state::introducing: return "introducing";
    case peer_status::state::up: return "up";
    case peer_status::state::backing_off: return "backing_off";
  }
  return "unknown";
}

caf::behavior registry(caf::stateful_actor<registry_state>* self, std::vector<caf::strong_actor_ptr> routers) {
  self->state.routers = std::move(routers);
  return {
      [self](const peer_status& status) {
        auto& known = self->state.peers[status.name];
        const bool routes_change = known.name.empty() || known.link != status.link ||
                                   (known.is == peer_status::state::up) != (status.is == peer_status::state::up);
        known = status;
        if (routes_change) publish(self->state);
      },
      [self](peers_query) {
        peer_list list;
        for (const auto& [name, peer] : self->state.peers) list.push_back(peer);
        return list;
      },
  };
}

}  // namespace weft
