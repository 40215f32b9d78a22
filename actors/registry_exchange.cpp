// What nodes tell each other: `mesh.routes` carries everything once per link, then numbered changes. A gap in
// the numbers, which only a bug or a lost message can cause, asks for everything again with `mesh.resync`.
#include <algorithm>

#include "actors/registry.hpp"
#include "actors/router_messages.hpp"

namespace weft {
namespace {

using nlohmann::json;

// Far below any frame limit; a node with many methods sends several messages.
constexpr std::size_t methods_per_message = 200;

void send(const registry_state& state, const link_address& link, const char* method, json params) {
  const json message = {{"jsonrpc", "2.0"}, {"method", method}, {"params", std::move(params)}};
  auto element = make_actor_message<send_message>(
      link.key, message.dump(-1, ' ', false, json::error_handler_t::replace));
  state.environment.routers[link.shard]->enqueue(caf::mailbox_element_ptr(element.release()), nullptr);
}

json entry_of(const remote_method& method) {
  json entry = to_json(method.method);
  entry["instances"] = method.instances;
  return entry;
}

void send_changes(const registry_state& state, node_link& link, bool reset,
                  const std::vector<remote_method>& added, const std::vector<std::string>& removed) {
  std::size_t at = 0;
  bool first = true;
  do {
    json add = json::array();
    const auto end = std::min(added.size(), at + methods_per_message);
    for (; at < end; ++at) add.push_back(entry_of(added[at]));
    json params = {{"seq", ++link.sent}, {"add", std::move(add)}};
    if (first && reset) params["reset"] = true;
    if (first && !removed.empty()) params["remove"] = removed;
    first = false;
    send(state, link.link, "mesh.routes", std::move(params));
  } while (at < added.size());
}

}  // namespace

method_map own_methods(const registry_state& state) {
  method_map methods;
  if (state.withdrawn) return methods;
  for (const auto& method : state.environment.in_process)
    methods.emplace(method.pattern, remote_method{method, 1});
  for (const auto& service : state.services) {
    for (const auto& method : service.declaration.serves) {
      const auto [known, fresh] = methods.try_emplace(method.pattern, remote_method{method, 1});
      if (fresh) continue;
      ++known->second.instances;
      // Only what every instance promises may be relied on from afar.
      known->second.method.idempotent = known->second.method.idempotent && method.idempotent;
    }
  }
  // An instance's own limit is kept by its own node.
  for (auto& [pattern, method] : methods) method.method.max_in_flight = 0;
  return methods;
}

void advertise_all(registry_state& state, node_link& to) {
  std::vector<remote_method> all;
  for (const auto& [pattern, method] : own_methods(state)) all.push_back(method);
  to.sent = 0;
  send_changes(state, to, true, all, {});
}

void advertise_changes(registry_state& state) {
  auto now = own_methods(state);
  std::vector<remote_method> added;
  std::vector<std::string> removed;
  for (const auto& [pattern, method] : now) {
    const auto known = state.advertised.find(pattern);
    if (known == state.advertised.end() || known->second != method) added.push_back(method);
  }
  for (const auto& [pattern, method] : state.advertised) {
    if (!now.contains(pattern)) removed.push_back(pattern);
  }
  state.advertised = std::move(now);
  if (added.empty() && removed.empty()) return;
  for (auto& link : state.links) send_changes(state, link, false, added, removed);
}

void ask_for_routes(const registry_state& state, const link_address& link) {
  send(state, link, "mesh.resync", json::object());
}

void take_routes(registry_state& state, const node_routes& message) {
  const auto link = std::ranges::find(state.links, message.link, &node_link::link);
  if (link == state.links.end()) {
    if (std::ranges::find(state.early, message.link) == state.early.end())
      state.early.push_back(message.link);
    return;
  }
  if (!message.params.is_object()) return;
  const auto& params = message.params;
  const auto seq = params.value("seq", std::uint64_t{0});
  const bool reset = params.value("reset", false);
  if (reset) {
    link->methods.clear();
  } else if (!link->in_step || seq != link->received + 1) {
    if (link->in_step) ask_for_routes(state, link->link);
    link->in_step = false;
    return;
  }
  link->in_step = true;
  link->received = seq;
  for (const auto& name : params.value("remove", json::array())) {
    if (name.is_string()) link->methods.erase(name.get<std::string>());
  }
  for (const auto& entry : params.value("add", json::array())) {
    auto read = parse_serves(json::array({entry}), state.environment.limits);
    if (!read) continue;
    const auto instances = entry.value("instances", 1U);
    link->methods[read->front().pattern] = remote_method{read->front(), std::max(1U, instances)};
  }
}

}  // namespace weft
