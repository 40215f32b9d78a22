#include "actors/discovery/discovery.hpp"

#include <utility>

#include <caf/mailbox_element.hpp>
#include <spdlog/spdlog.h>

namespace weft {
namespace {

using listing = std::expected<node_listing, std::string>;

listing look_at(peer_source& source) {
  try {
    return source.look();
  } catch (const std::exception& e) {
    return std::unexpected(std::string(e.what()));
  }
}

/// Says once what is wrong, and once that it is right again.
void note(discovery_state& state, const listing& found) {
  const auto& [index, from, interval, manager, log] = state.task;
  if (!found) {
    if (std::exchange(state.failure, found.error()) == found.error()) return;
    log->warn("peers of {}: {}; what it listed before stays ({} nodes)", from.text, found.error(),
              state.last ? state.last->size() : 0);
  } else if (!std::exchange(state.failure, "").empty()) {
    log->info("peers of {}: readable again, {} nodes", from.text, found->size());
  }
}

}  // namespace

caf::behavior discovery(caf::stateful_actor<discovery_state>* self, discovery_task task) {
  self->state.task = std::move(task);
  return {
      [self](look_now) {
        auto& state = self->state;
        auto found = look_at(*state.task.from.source);
        note(state, found);
        // Every failure is told, since it is counted.
        if (!found || !state.last || *state.last != *found) {
          if (found) state.last = *found;
          auto message = make_actor_message<nodes_listed>(state.task.index, std::move(found));
          state.task.manager->enqueue(caf::mailbox_element_ptr(message.release()), nullptr);
        }
        self->delayed_send(self, state.task.interval, look_now{});
      },
  };
}

}  // namespace weft
