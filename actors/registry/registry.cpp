#include <algorithm>
#include <utility>

#include <caf/send.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "actors/registry/state.hpp"

namespace weft {
namespace {

using self_pointer = caf::stateful_actor<registry_state>*;

// A burst of changes becomes one table: what is in the mailbox already is read first.
void publish_soon(self_pointer self) {
  if (std::exchange(self->state.published.pending, true)) return;
  self->send(self, publish_now{});
}

// Tells other nodes soon, without holding up what others wait for.
void advertise_soon(self_pointer self) {
  if (!self->state.advertised.later || std::exchange(self->state.advertised.scheduled, true)) return;
  self->delayed_send(self, advertise_interval, advertise_now{});
}

void publish(registry_state& state) {
  state.published.pending = false;
  state.advertised.later = advertise(state);
  state.published.table = build_table(state);
  const auto done = std::exchange(state.services.registrations, {});
  for (const auto& router : state.environment.routers) {
    auto message = make_actor_message<snapshot_message>(state.published.table, done);
    router->enqueue(caf::mailbox_element_ptr(message.release()), nullptr);
  }
}

// What is told of the mesh holds for calls as well: whoever reads that a peer is up may call it.
void publish_if_pending(registry_state& state) {
  if (state.published.pending) publish(state);
}

void on_leaving(registry_state& state, const node_link_leaving& message) {
  const auto link = std::ranges::find(state.links, message.link, &node_link::link);
  if (link == state.links.end()) return;
  link->hands_over = message.hands_over && (link->hands_over || !link->leaving);
  link->leaving = true;
}

void on_listed(registry_state& state, peers_listed& message) {
  for (auto& [key, peer] : state.peers.by_key) peer.listed = message.peers.contains(key);
  for (auto& [key, listing] : message.peers) {
    const auto [known, fresh] = state.peers.by_key.try_emplace(key);
    if (fresh) known->second.status.key = key;
    known->second.listing = std::move(listing);
  }
  state.peers.complete = message.complete;
}

/// True when routes change with it.
bool on_status(registry_state& state, const peer_status& status) {
  const auto known = state.peers.by_key.find(status.key);
  if (known == state.peers.by_key.end()) return false;
  using enum peer_status::state;
  auto& last = known->second.status;
  const bool changes = last.link != status.link || (last.is == up) != (status.is == up);
  last = status;
  return changes || !state.published.table->settled;
}

void on_gone(registry_state& state, const std::string& key) {
  const auto known = state.peers.by_key.find(key);
  if (known == state.peers.by_key.end()) return;
  if (!known->second.listed) {
    state.peers.by_key.erase(known);
  } else {
    known->second.status = {};
    known->second.status.key = key;
  }
}

std::uint64_t served_only_here(const registry_state& state) {
  const auto stays = [](const node_link& link) { return !link.leaving; };
  // Nobody would be told.
  if (std::ranges::none_of(state.links, stays)) return 0;
  std::uint64_t count = 0;
  for (const auto& service : state.services.list) {
    count +=
        static_cast<std::uint64_t>(std::ranges::count_if(service.declaration.serves, [&](const auto& mine) {
          return std::ranges::none_of(state.links, [&](const auto& link) {
            return stays(link) && link.routes.methods.contains(mine.pattern);
          });
        }));
  }
  return count;
}

/// Runs what a message asks for; what it throws is a bug that costs this message and no other.
template <class Work>
auto survive(self_pointer self, const char* message, Work&& work) -> decltype(work()) {
  using answer = decltype(work());
  const auto failed = [&](std::string_view what) {
    self->state.environment.counts->add(metric::actor_failures);
    self->state.environment.log->error("registry: {}: {}", message, what);
  };
  try {
    return work();
  } catch (const std::exception& e) {
    failed(e.what());
  } catch (...) {
    failed("an exception that is no std::exception");
  }
  return answer();
}

}  // namespace

std::string_view to_string(peer_status::state state) noexcept {
  switch (state) {
    case peer_status::state::resolving:
      return "resolving";
    case peer_status::state::connecting:
      return "connecting";
    case peer_status::state::introducing:
      return "introducing";
    case peer_status::state::up:
      return "up";
    case peer_status::state::backing_off:
      return "backing_off";
    case peer_status::state::self:
      return "self";
    case peer_status::state::conflict:
      return "conflict";
    case peer_status::state::draining:
      return "draining";
  }
  return "unknown";
}

caf::behavior registry(self_pointer self, registry_environment environment) {
  self->state.environment = std::move(environment);
  const auto change = [self](const char* name, auto&& apply) {
    survive(self, name, [&] { apply(self->state); });
    self->state.published.document_stale = true;
    publish_soon(self);
  };
  return {
      [self](const peer_status& status) {
        if (survive(self, "peer status", [&] { return on_status(self->state, status); })) publish_soon(self);
      },
      [change](peers_listed& message) {
        change("listed peers", [&](auto& state) { on_listed(state, message); });
      },
      [change](const peer_gone& message) {
        change("gone peer", [&](auto& state) { on_gone(state, message.key); });
      },
      [change](service_changed& message) {
        change("service", [&](auto& state) { on_service(state, message); });
      },
      [change](const serve_rights& message) {
        change("rights", [&](auto& state) { on_serve_rights(state, message); });
      },
      [change](const node_link_changed& message) {
        change("link", [&](auto& state) { on_link(state, message); });
      },
      [change](const node_link_probed& message) {
        change("probed link", [&](auto& state) { on_probed(state, message); });
      },
      [change](const node_link_leaving& message) {
        change("leaving link", [&](auto& state) { on_leaving(state, message); });
      },
      [change](node_routes& message) {
        change("mesh.routes", [&](auto& state) { take_routes(state, message); });
      },
      [self](const node_resync& message) {
        for (auto& link : self->state.links) {
          if (link.link == message.link) link.routes.wants_all = true;
        }
        publish_soon(self);
      },
      [self](peers_query) {
        return survive(self, "peers", [&] {
          publish_if_pending(self->state);
          peer_list list;
          for (const auto& [key, peer] : self->state.peers.by_key) list.push_back(peer);
          return list;
        });
      },
      [self](routes_query) {
        return survive(self, "routes", [&] {
          publish_if_pending(self->state);
          return describe_routes(self->state).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
        });
      },
      [self](served_only_here_query) {
        return survive(self, "drain", [&] { return served_only_here(self->state); });
      },
      [self](withdraw_all) {
        self->state.services.withdrawn = true;
        publish_soon(self);
      },
      [self](advertise_now) {
        self->state.advertised.scheduled = false;
        self->state.advertised.later = survive(self, "advertise", [&] { return advertise(self->state); });
        advertise_soon(self);
      },
      [self](publish_now) {
        constexpr std::chrono::seconds before_next_try{1};
        const bool done = survive(self, "publish", [&] {
          publish(self->state);
          return true;
        });
        if (done) return advertise_soon(self);
        self->state.published.pending = true;
        self->delayed_send(self, before_next_try, publish_now{});
      },
  };
}

}  // namespace weft
