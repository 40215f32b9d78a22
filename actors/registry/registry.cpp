#include <algorithm>
#include <optional>
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
  if (std::exchange(self->state.publishing, true)) return;
  self->send(self, publish_now{});
}

// Without holding up what others wait for.
void advertise_soon(self_pointer self) {
  if (!self->state.advertise_later || std::exchange(self->state.advertising, true)) return;
  self->delayed_send(self, advertise_interval, advertise_now{});
}

void publish(registry_state& state) {
  state.publishing = false;
  state.advertise_later = advertise(state);
  state.table = build_table(state);
  const auto done = std::exchange(state.registrations, {});
  for (const auto& router : state.environment.routers) {
    auto message = make_actor_message<snapshot_message>(state.table, done);
    router->enqueue(caf::mailbox_element_ptr(message.release()), nullptr);
  }
}

// What is told of the mesh holds for calls as well: whoever reads that a peer is up may call it.
void publish_if_pending(registry_state& state) {
  if (state.publishing) publish(state);
}

/// What else whoever registers this has registered, on other connections.
struct registered {
  std::size_t methods = 0;
  std::size_t schema_bytes = 0;
};

registered registered_by(const registry_state& state, const std::string& owner) {
  registered of_it;
  if (owner.empty()) return of_it;
  for (const auto& service : state.services) {
    if (service.owner != owner) continue;
    of_it.methods += service.declaration.serves.size();
    of_it.schema_bytes += schema_bytes_of(service.declaration);
  }
  return of_it;
}

/// Why there is no room for it, empty when there is.
std::string refuse_service(const registry_state& state, const service_changed& message) {
  const auto& limits = state.environment.limits;
  const auto count = message.declaration.serves.size();
  if (count == 0) return {};
  auto& counts = *state.environment.counts;
  const auto before = registered_by(state, message.owner);
  const auto share = share_of(limits.routes, limits.share_percent, 1);
  const auto holder = message.owner.empty() ? "this connection" : fmt::format("'{}'", message.owner);
  if (before.methods + count > share) {
    counts.add(metric::limit_routes);
    return fmt::format("{} would serve {} methods, its share is {} (limits.share_percent of limits.routes)",
                       holder, before.methods + count, share);
  }
  if (known_routes(state) + count > limits.routes) {
    counts.add(metric::limit_routes);
    return fmt::format("the node knows of too many methods, the limit is {} (limits.routes)", limits.routes);
  }
  const auto bytes = schema_bytes_of(message.declaration);
  if (!schema_room(state, before.schema_bytes).take(bytes)) {
    counts.add(metric::limit_schema_total);
    return fmt::format(
        "the schemas of what {} serves have {} bytes, for which there is no room (limits.share_percent of "
        "limits.schema_total_bytes)",
        holder, before.schema_bytes + bytes);
  }
  return {};
}

/// "'users', instance 'users-1', at 127.0.0.1:5000"
std::string title_of(const service_changed& service) {
  const auto& who = service.declaration;
  return fmt::format("{}{} at {}", who.name.empty() ? "without a name" : fmt::format("'{}'", who.name),
                     who.instance.empty() ? "" : fmt::format(", instance '{}',", who.instance),
                     service.address);
}

std::string methods_of(const service_changed& service) {
  const auto count = service.declaration.serves.size();
  return fmt::format("{} method{}", count, count == 1 ? "" : "s");
}

/// A line for a service that comes, goes, or serves something else. `before`: null when it served nothing.
void tell_of_service(registry_state& state, const service_changed* before, const service_changed& now,
                     std::string_view refusal) {
  const auto& serves = now.declaration.serves;
  if (before == nullptr ? serves.empty() : refusal.empty() && before->declaration.serves == serves) return;
  const auto left_out = state.service_lines.take(coro::clock::now());
  if (!left_out) return;
  auto& log = *state.environment.log;
  const auto note = left_out_note(*left_out);
  if (!refusal.empty()) {
    log.warn("service {} was refused: {}{}", title_of(now), refusal, note);
  } else if (serves.empty()) {
    log.info("service {} is gone, with {}{}", title_of(*before), methods_of(*before), note);
  } else if (before != nullptr) {
    log.info("service {} now serves {} instead of {}{}", title_of(now), methods_of(now),
             before->declaration.serves.size(), note);
  } else {
    log.info("service {} has joined, with {}{}", title_of(now), methods_of(now), note);
  }
}

void on_service(registry_state& state, service_changed& message) {
  const auto known = std::ranges::find(state.services, message.link, &service_changed::link);
  std::optional<service_changed> before;
  if (known != state.services.end()) {
    before = std::move(*known);
    state.services.erase(known);
  }
  auto refusal = refuse_service(state, message);
  const bool refused = !refusal.empty();
  tell_of_service(state, before ? &*before : nullptr, message, refusal);
  if (message.ticket != 0) {
    auto added = std::make_shared<registration>();
    added->missing = state.environment.routers.size();
    added->shard = message.link.shard;
    added->ticket = message.ticket;
    added->refusal = std::move(refusal);
    state.registrations.push_back(std::move(added));
  }
  if (!refused && !message.declaration.serves.empty()) state.services.push_back(std::move(message));
}

void on_leaving(registry_state& state, const node_link_leaving& message) {
  const auto link = std::ranges::find(state.links, message.link, &node_link::link);
  if (link == state.links.end()) return;
  link->hands_over = message.hands_over && (link->hands_over || !link->leaving);
  link->leaving = true;
}

void on_listed(registry_state& state, peers_listed& message) {
  for (auto& [key, peer] : state.peers) peer.listed = message.peers.contains(key);
  for (auto& [key, listing] : message.peers) {
    const auto [known, fresh] = state.peers.try_emplace(key);
    if (fresh) known->second.status.key = key;
    known->second.listing = std::move(listing);
  }
  state.peers_complete = message.complete;
}

/// True when routes change with it.
bool on_status(registry_state& state, const peer_status& status) {
  const auto known = state.peers.find(status.key);
  if (known == state.peers.end()) return false;
  using enum peer_status::state;
  auto& last = known->second.status;
  const bool changes = last.link != status.link || (last.is == up) != (status.is == up);
  last = status;
  return changes || !state.table->settled;
}

void on_gone(registry_state& state, const std::string& key) {
  const auto known = state.peers.find(key);
  if (known == state.peers.end()) return;
  if (!known->second.listed) {
    state.peers.erase(known);
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
  for (const auto& service : state.services) {
    count +=
        static_cast<std::uint64_t>(std::ranges::count_if(service.declaration.serves, [&](const auto& mine) {
          return std::ranges::none_of(state.links, [&](const auto& link) {
            return stays(link) && link.methods.contains(mine.pattern);
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
    self->state.document_stale = true;
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
          if (link.link == message.link) link.wants_all = true;
        }
        publish_soon(self);
      },
      [self](peers_query) {
        return survive(self, "peers", [&] {
          publish_if_pending(self->state);
          peer_list list;
          for (const auto& [key, peer] : self->state.peers) list.push_back(peer);
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
        self->state.withdrawn = true;
        publish_soon(self);
      },
      [self](advertise_now) {
        self->state.advertising = false;
        self->state.advertise_later = survive(self, "advertise", [&] { return advertise(self->state); });
        advertise_soon(self);
      },
      [self](publish_now) {
        constexpr std::chrono::seconds before_next_try{1};
        const bool done = survive(self, "publish", [&] {
          publish(self->state);
          return true;
        });
        if (done) return advertise_soon(self);
        self->state.publishing = true;
        self->delayed_send(self, before_next_try, publish_now{});
      },
  };
}

}  // namespace weft
