// Which links to other nodes count. A node is known by its id, each of its lives by an incarnation: the
// newest link of a life wins, and a life that still answers is not displaced by another one of the same id.
#include <algorithm>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "actors/messages/router_messages.hpp"
#include "actors/registry/state.hpp"

namespace weft {
namespace {

template <class Message>
void send(const registry_state& state, const connection_address& link, Message message) {
  state.environment.routers[link.reactor_index]->enqueue(caf::mailbox_element_ptr(message.release()),
                                                         nullptr);
}

bool is_other_life(const node_link& known, const node_link& other) {
  return known.node == other.node && !known.incarnation.empty() && !other.incarnation.empty() &&
         known.incarnation != other.incarnation;
}

/// A link of another life of the same node that is in use, or null.
const node_link* rival_of(const registry_state& state, const node_link& link) {
  const auto found = std::ranges::find_if(state.links, [&](const node_link& known) {
    return !known.waiting && !known.leaving && is_other_life(known, link);
  });
  return found == state.links.end() ? nullptr : &*found;
}

void refuse(registry_state& state, const node_link& link, const node_link& rival) {
  const auto why =
      fmt::format("two nodes have the id '{}', one at {} and one at {}: give one of them another --id",
                  link.node, rival.address, link.address);
  state.environment.log->warn("{}; the one that came later is refused", why);
  send(state, link.link, make_actor_message<refuse_link>(link.link.key, why, true));
}

}  // namespace

void on_link(registry_state& state, const node_link_changed& message) {
  const auto known = std::ranges::find(state.links, message.link, &node_link::link);
  const auto budget = known == state.links.end() ? advertise_budget() : known->routes.budget;
  std::erase_if(state.links, [&](const auto& other) { return other.link == message.link; });
  const bool routes_came = std::erase(state.early, message.link) > 0;
  for (auto& waiting : state.links) {
    // Its rival has gone by itself.
    if (waiting.waiting && rival_of(state, waiting) == nullptr) waiting.waiting = false;
  }
  // A node that dialled itself (one name for all replicas) leaves that link at once.
  if (!message.up || message.node == state.environment.node) return;
  node_link added;
  added.link = message.link;
  added.node = message.node;
  added.incarnation = message.incarnation;
  added.address = message.address;
  added.frame_bytes = message.frame_bytes;
  if (const auto* rival = rival_of(state, added)) {
    added.waiting = true;
    send(state, rival->link, make_actor_message<probe_link>(rival->link.key));
  }
  // The newest first: an older link of the same node may be dead without a word.
  added.routes.budget = budget;
  state.links.insert(state.links.begin(), std::move(added));
  if (routes_came) ask_for_routes(state, message.link);
}

void on_probed(registry_state& state, const node_link_probed& message) {
  const auto probed = std::ranges::find(state.links, message.link, &node_link::link);
  if (probed == state.links.end()) return;
  node_link dead;
  const auto* rival = &*probed;
  if (!message.alive) {
    state.environment.log->info("node '{}' is back: its link to {} does not answer any more and is closed",
                                probed->node, probed->address);
    send(state, probed->link,
         make_actor_message<refuse_link>(probed->link.key, "a newer life of this node is there", false));
    dead = std::move(*probed);
    rival = &dead;
    state.links.erase(probed);
  }
  for (auto& link : state.links) {
    if (!link.waiting || !is_other_life(*rival, link)) continue;
    if (message.alive) {
      refuse(state, link, *rival);
    } else {
      link.waiting = rival_of(state, link) != nullptr;
    }
  }
}

}  // namespace weft
