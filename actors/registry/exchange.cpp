// What nodes tell each other: `mesh.routes` carries everything once per link, then numbered changes. A gap in
// the numbers, which only a bug or a lost message can cause, asks for everything again with `mesh.resync`.
#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "actors/messages/router_messages.hpp"
#include "actors/registry/state.hpp"

namespace weft {
namespace {

using nlohmann::json;

// The bytes of a message beside its entries.
constexpr std::size_t envelope_bytes = 256;
// A link that tells no limit gets messages below any that can be set.
constexpr std::size_t smallest_frame_bytes = 1024;

std::string dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

void send(const registry_state& state, const connection_address& link, const char* method,
          std::string_view params) {
  auto element = make_actor_message<send_message>(
      link.key, fmt::format(R"({{"jsonrpc":"2.0","method":"{}","params":{}}})", method, params));
  state.environment.routers[link.reactor_index]->enqueue(caf::mailbox_element_ptr(element.release()),
                                                         nullptr);
}

/// One numbered series of `mesh.routes`, each below the largest frame that the link takes.
class route_messages {
 public:
  route_messages(const registry_state& state, node_link& to, bool reset)
      : state_(state), to_(to), reset_(reset) {}

  void remove(const std::string& pattern) { append(removed_, dump(pattern)); }
  /// One that is too large for this link goes without its schemas, or not at all: the other node would refuse
  /// it as well.
  void add(const remote_method& method) {
    if (append(added_, to_json(method.method, method.instances))) return;
    auto plain = method.method;
    plain.params = {};
    plain.result = {};
    if (append(added_, to_json(plain, method.instances))) return;
    state_.environment.counts->add(metric::routes_not_told);
    if (std::exchange(to_.routes.told_all, false)) {
      state_.environment.log->warn(
          "node '{}' at {} takes frames of {} bytes, too few to be told of method '{}' and others", to_.node,
          to_.address, to_.frame_bytes, plain.pattern);
    }
  }
  void finish() {
    if (reset_ || !removed_.empty() || !added_.empty()) flush();
  }

 private:
  /// False when the link takes no frame of this size.
  bool append(std::string& list, const std::string& entry) {
    const auto room = std::max(to_.frame_bytes, smallest_frame_bytes) - envelope_bytes;
    if (entry.size() > room) return false;
    if (removed_.size() + added_.size() + entry.size() + 1 > room) flush();
    list += list.empty() ? "" : ",";
    list += entry;
    return true;
  }

  void flush() {
    send(state_, to_.link, "mesh.routes",
         fmt::format(R"({{"seq":{}{},"remove":[{}],"add":[{}]}})", ++to_.routes.sent,
                     reset_ ? R"(,"reset":true)" : "", removed_, added_));
    reset_ = false;
    removed_.clear();
    added_.clear();
  }

  const registry_state& state_;
  node_link& to_;
  bool reset_;
  std::string removed_;
  std::string added_;
};

void advertise_changes(registry_state& state) {
  auto now = own_methods(state);
  std::vector<remote_method> added;
  std::vector<std::string> removed;
  for (const auto& [pattern, method] : now) {
    const auto known = state.advertised.last.find(pattern);
    if (known == state.advertised.last.end() || known->second != method) added.push_back(method);
  }
  for (const auto& [pattern, method] : state.advertised.last) {
    if (!now.contains(pattern)) removed.push_back(pattern);
  }
  state.advertised.last = std::move(now);
  if (added.empty() && removed.empty()) return;
  for (auto& link : state.links) {
    if (link.routes.wants_all) continue;
    route_messages messages(state, link, false);
    for (const auto& pattern : removed) messages.remove(pattern);
    for (const auto& method : added) messages.add(method);
    messages.finish();
  }
}

}  // namespace

method_map own_methods(const registry_state& state) {
  method_map methods;
  if (state.services.withdrawn) return methods;
  for (const auto& method : state.environment.in_process)
    methods.emplace(method.pattern, remote_method{method, 1});
  for (const auto& service : state.services.list) {
    for (const auto& method : service.declaration.serves) {
      const auto [known, fresh] = methods.try_emplace(method.pattern, remote_method{method, 1});
      if (fresh) continue;
      ++known->second.instances;
      // Only what every instance promises may be relied on from afar.
      auto& promised = known->second.method;
      promised.idempotent = promised.idempotent && method.idempotent;
      promised.resumable = promised.resumable && method.resumable;
      promised.stream = promised.stream || method.stream;
    }
  }
  // An instance's own limit is kept by its own node.
  for (auto& [pattern, method] : methods) method.method.max_in_flight = 0;
  return methods;
}

std::size_t schema_bytes_of(const service_declaration& declaration) {
  std::size_t bytes = 0;
  for (const auto& method : declaration.serves) bytes += method.schema_bytes();
  return bytes;
}

std::size_t schema_bytes_of(const node_link& link) {
  std::size_t bytes = 0;
  for (const auto& [pattern, method] : link.routes.methods) bytes += method.method.schema_bytes();
  return bytes;
}

schema_room::schema_room(const registry_state& state, std::size_t of_one) : of_one_(of_one) {
  const auto& limits = state.environment.limits;
  most_ = limits.schema_total_bytes;
  share_ = share_of(most_, limits.share_percent, 1);
  for (const auto& service : state.services.list) in_all_ += schema_bytes_of(service.declaration);
  for (const auto& link : state.links) in_all_ += schema_bytes_of(link);
}

bool schema_room::take(std::size_t bytes) noexcept {
  if (of_one_ + bytes > share_ || in_all_ + bytes > most_) return false;
  of_one_ += bytes;
  in_all_ += bytes;
  return true;
}

void schema_room::give_back(std::size_t bytes) noexcept {
  of_one_ -= bytes;
  in_all_ -= bytes;
}

std::size_t known_routes(const registry_state& state) {
  auto count = state.environment.in_process.size();
  for (const auto& service : state.services.list) count += service.declaration.serves.size();
  // Also of a second link to the same node: whoever claims to be one must not get more for it.
  for (const auto& link : state.links) count += link.routes.methods.size();
  return count;
}

bool advertise(registry_state& state) {
  advertise_changes(state);
  const auto now = std::chrono::steady_clock::now();
  bool waits = false;
  for (auto& link : state.links) {
    if (!link.routes.wants_all) continue;
    if (!link.routes.budget.take(now)) {
      waits = true;
      continue;
    }
    link.routes.wants_all = false;
    link.routes.sent = 0;
    route_messages messages(state, link, true);
    for (const auto& [pattern, method] : state.advertised.last) messages.add(method);
    messages.finish();
  }
  return waits;
}

void ask_for_routes(const registry_state& state, const connection_address& link) {
  send(state, link, "mesh.resync", "{}");
}

void take_routes(registry_state& state, node_routes& message) {
  const auto link = std::ranges::find(state.links, message.link, &node_link::link);
  if (link == state.links.end()) {
    if (std::ranges::find(state.early, message.link) == state.early.end())
      state.early.push_back(message.link);
    return;
  }
  auto& routes = message.routes;
  if (routes.reset) {
    link->routes.methods.clear();
  } else if (!link->routes.in_step || routes.seq != link->routes.received + 1) {
    if (link->routes.in_step) ask_for_routes(state, link->link);
    link->routes.in_step = false;
    return;
  }
  link->routes.in_step = true;
  link->routes.received = routes.seq;
  for (const auto& pattern : routes.removed) link->routes.methods.erase(pattern);
  const auto& limits = state.environment.limits;
  const auto share = share_of(limits.routes, limits.share_percent, 1);
  auto known = known_routes(state);
  schema_room room(state, schema_bytes_of(*link));
  std::size_t left_out = 0;
  std::size_t bare = 0;
  for (auto& method : routes.added) {
    auto found = link->routes.methods.find(method.method.pattern);
    if (found == link->routes.methods.end()) {
      if (link->routes.methods.size() >= share || known >= limits.routes) {
        ++left_out;
        continue;
      }
      ++known;
      found = link->routes.methods.try_emplace(method.method.pattern).first;
    }
    room.give_back(found->second.method.schema_bytes());
    if (!room.take(method.method.schema_bytes())) {
      method.method.params = {};
      method.method.result = {};
      ++bare;
    }
    found->second = std::move(method);
  }
  if (bare > 0) state.environment.counts->add(metric::limit_schema_total);
  if (left_out == 0) return;
  state.environment.counts->add(metric::limit_routes);
  if (!std::exchange(link->routes.over_limit, true)) {
    state.environment.log->warn(
        "node '{}' at {} tells of more methods than it may: {} are known of it, the others are left out "
        "(limits.share_percent of limits.routes)",
        link->node, link->address, link->routes.methods.size());
  }
}

}  // namespace weft
