// Building the routing table and describing it.
#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "actors/methods/method_pattern.hpp"
#include "actors/registry/state.hpp"

namespace weft {
namespace {

using nlohmann::json;

std::string state_id(std::string_view pattern, const connection_address& link, std::string_view node) {
  return fmt::format("{}\n{}\n{}.{}.{}", pattern, node, link.reactor_index, link.key.slot,
                     link.key.generation);
}

std::string state_id(std::string_view pattern, std::string_view node) {
  return fmt::format("{}\n{}", pattern, node);
}

const balance_policy* policy_for(const balance_options& options, std::string_view pattern) {
  const auto* named = find_balance_policy(rule_for(options.rules, pattern));
  return named != nullptr ? named : balance_policies().data();
}

bool is_settled(const registry_state& state) {
  const auto known = [&](const auto& entry) {
    using enum peer_status::state;
    const peer_status& peer = entry.second.status;
    if (peer.is == backing_off || peer.is == self || peer.is == conflict || peer.is == draining) return true;
    return peer.is == up && std::ranges::any_of(state.links, [&](const node_link& link) {
             return link.node == peer.node && !link.waiting && link.routes.in_step;
           });
  };
  return state.peers.complete && std::ranges::all_of(state.peers.by_key, known);
}

class table_builder {
 public:
  explicit table_builder(registry_state& state) : state_(state) {}

  void add(const served_method& method, endpoint to, std::string id) {
    auto& known = state_.published.states[id];
    if (!known) known = std::make_shared<endpoint_state>();
    used_.emplace(id, known);
    to.state = known;
    to.idempotent = method.idempotent;
    to.streams = method.stream;
    to.max_in_flight = method.max_in_flight;
    auto& entry = routes_[method.pattern];
    entry.pattern = method.pattern;
    entry.policy = policy_for(state_.environment.balance, method.pattern);
    entry.streams = entry.streams || method.stream;
    entry.resumable = entry.resumable && method.resumable;
    entry.endpoints.push_back(std::move(to));
  }

  /// Every pattern of the last table that has no instance now stays for a while, without instances.
  void remember_gone(std::chrono::steady_clock::time_point now) {
    constexpr auto remembered = std::chrono::minutes(1);
    std::erase_if(state_.published.gone, [&](const auto& entry) {
      return routes_.contains(entry.first) || now - entry.second.since > remembered;
    });
    std::map<std::string, std::size_t> by_owner;
    for (const auto& [pattern, known] : state_.published.gone) ++by_owner[known.owner];
    for (const auto& [id, unused] : state_.published.states) {
      const auto end = id.find('\n');
      auto pattern = id.substr(0, end);
      if (routes_.contains(pattern) || state_.published.gone.contains(pattern)) continue;
      const auto owner = id.substr(end + 1);
      if (state_.published.gone.size() >= most_gone && !make_room_for(owner, by_owner)) continue;
      const auto added = state_.published.gone.try_emplace(std::move(pattern), now, owner).first;
      ++by_owner[added->second.owner];
    }
    for (const auto& [pattern, known] : state_.published.gone) routes_[pattern].pattern = pattern;
  }

  std::shared_ptr<const routing_table> finish() {
    state_.published.states = std::move(used_);
    limit_routes();
    auto table = std::make_shared<routing_table>();
    // Once learned, a peer that comes and goes does not unsettle it.
    table->settled = state_.published.table->settled || is_settled(state_);
    for (auto& [pattern, entry] : routes_) {
      if (is_prefix_pattern(pattern)) {
        table->prefixes.emplace(pattern.substr(0, pattern.size() - 1), std::move(entry));
      } else {
        table->exact.emplace(pattern, std::move(entry));
      }
    }
    add_peers(*table);
    return table;
  }

 private:
  static constexpr std::size_t most_gone = 4096;

  /// Forgets the oldest pattern of whoever has the most: so nobody's names displace those of others. False
  /// when that is this owner.
  bool make_room_for(const std::string& owner, std::map<std::string, std::size_t>& by_owner) {
    const auto most = std::ranges::max_element(by_owner, {}, [](const auto& entry) { return entry.second; });
    const auto own = by_owner.find(owner);
    if (own != by_owner.end() && own->second >= most->second) return false;
    auto oldest = state_.published.gone.end();
    for (auto at = state_.published.gone.begin(); at != state_.published.gone.end(); ++at) {
      if (at->second.owner != most->first) continue;
      if (oldest == state_.published.gone.end() || at->second.since < oldest->second.since) oldest = at;
    }
    --most->second;

    if (most->second == 0) by_owner.erase(most);
    state_.published.gone.erase(oldest);
    return true;
  }

  void limit_routes() {
    std::map<std::string, std::shared_ptr<admission_state>> kept;
    for (auto& [pattern, entry] : routes_) {
      const auto most = number_for(state_.environment.limits.method_in_flight, pattern);
      const bool limited = most != 0 || std::ranges::any_of(entry.endpoints, [](const endpoint& e) {
                             return e.max_in_flight != 0;
                           });
      // One that calls still wait for stays, whatever its instances say now.
      const auto known = state_.published.admissions.find(pattern);
      const bool in_use = known != state_.published.admissions.end() && known->second->waiting() > 0;
      if (!limited && !in_use) continue;
      entry.admission = known != state_.published.admissions.end() ? known->second
                                                                   : std::make_shared<admission_state>(most);
      kept.emplace(pattern, entry.admission);
    }
    state_.published.admissions = std::move(kept);
  }

  bool takes_calls(const peer_status& peer) const {
    const auto leaves = [&](const node_link& link) { return link.leaving && link.link == peer.link; };
    return peer.is == peer_status::state::up && std::ranges::none_of(state_.links, leaves);
  }

  void add_peers(routing_table& table) const {
    for (const auto& [key, peer] : state_.peers.by_key) {
      const auto& [listing, status, listed] = peer;
      const peer_route route{status.link, takes_calls(status), listing.known_as.host, listing.known_as.port};
      if (listing.names.empty()) table.peers.emplace(listing.label(), route);
      for (const auto& name : listing.names) table.peers.emplace(name, route);
    }
    // Names of this node's own configuration come first.
    for (const auto& [key, peer] : state_.peers.by_key) {
      const auto& [listing, status, listed] = peer;
      if (!takes_calls(status)) continue;
      table.peers.try_emplace(
          status.node, peer_route{status.link, true, listing.known_as.host, listing.known_as.port, true});
    }
  }

  registry_state& state_;
  std::map<std::string, route> routes_;
  std::map<std::string, std::shared_ptr<endpoint_state>> used_;
};

void add_services(registry_state& state, table_builder& table) {
  for (const auto& service : state.services.list) {
    for (const auto& method : service.declaration.serves) {
      endpoint to;
      to.connection = service.connection;
      to.node = state.environment.node;
      to.service = service.declaration.name;
      to.instance = service.declaration.instance;
      table.add(method, std::move(to), state_id(method.pattern, service.connection, state.environment.node));
    }
  }
}

void add_nodes(registry_state& state, table_builder& table) {
  // Two nodes that dial each other have two links; one of them carries the calls, one that stays if there is
  // one.
  std::set<std::string> done;
  for (const bool leaving : {false, true}) {
    for (const auto& link : state.links) {
      if (link.waiting || link.leaving != leaving || (leaving && !link.hands_over)) continue;
      for (const auto& [pattern, method] : link.routes.methods) {
        auto id = state_id(pattern, link.node);
        if (!done.insert(id).second) continue;
        endpoint to;
        to.connection = link.link;
        to.node = link.node;
        to.local = false;
        to.leaving = leaving;
        to.weight = method.instances;
        table.add(method.method, std::move(to), std::move(id));
      }
    }
  }
}

std::string describe_stream(const served_method& method) {
  if (!method.stream) return {};
  return fmt::format(R"(,"x-stream":{{"item":{},"input":{},"resumable":{}}})",
                     method.item ? method.item.text() : "{}", method.input.text(), method.resumable);
}

// As text: schemas go into it as they came.
void write_document(registry_state& state) {
  if (!std::exchange(state.published.document_stale, false)) return;
  const auto dump = [](const json& value) {
    return value.dump(-1, ' ', false, json::error_handler_t::replace);
  };
  auto frame = state.environment.own_document;
  std::set<std::string_view> known;
  std::string methods;
  for (const auto& method : state.environment.own_document["methods"]) {
    known.insert(method["name"].get_ref<const std::string&>());
    methods += (methods.empty() ? "" : ",") + dump(method);
  }
  const auto add = [&](const served_method& method) {
    if (!known.insert(method.pattern).second) return;
    const auto params = method.params.text();
    const auto result = method.result.text();
    fmt::format_to(std::back_inserter(methods),
                   R"({}{{"name":{},"params":{},"result":{{"name":"result","schema":{}}},)"
                   R"("x-params-schema":{},"x-idempotent":{}{}}})",
                   methods.empty() ? "" : ",", dump(method.pattern), params.starts_with('[') ? params : "[]",
                   result.starts_with('{') ? result : "{}", params, method.idempotent,
                   describe_stream(method));
  };
  for (const auto& service : state.services.list) {
    for (const auto& method : service.declaration.serves) add(method);
  }
  for (const auto& link : state.links) {
    for (const auto& [pattern, method] : link.routes.methods) add(method.method);
  }
  frame.erase("methods");
  auto text = dump(frame);
  text.pop_back();
  state.environment.document->store(
      std::make_shared<const std::string>(fmt::format(R"({},"methods":[{}]}})", text, methods)));
}

json describe(const endpoint& e, std::chrono::steady_clock::time_point now) {
  constexpr const char* states[] = {"healthy", "ejected", "probation"};
  return {{"node", e.node},
          {"service", e.service},
          {"instance", e.instance},
          {"local", e.local},
          {"instances", e.weight},
          {"idempotent", e.idempotent},
          {"state", e.leaving ? "draining" : states[static_cast<std::size_t>(e.state->state(now))]},
          {"in_flight", e.state->in_flight()},
          {"max_in_flight", e.max_in_flight},
          {"latency_ms", e.state->latency_ns(now) / 1e6},
          {"calls", e.state->calls()},
          {"failures", e.state->failures()},
          {"ejections", e.state->ejections()}};
}

}  // namespace

std::shared_ptr<const routing_table> build_table(registry_state& state) {
  table_builder table(state);
  add_services(state, table);
  add_nodes(state, table);
  write_document(state);
  table.remember_gone(std::chrono::steady_clock::now());
  return table.finish();
}

json describe_routes(const registry_state& state) {
  const auto now = std::chrono::steady_clock::now();
  std::vector<json> list;
  const auto add = [&](const route& r) {
    auto instances = json::array();
    for (const auto& e : r.endpoints) instances.push_back(describe(e, now));
    auto entry = json{{"method", r.pattern},
                      {"policy", r.policy->name},
                      {"stream", r.streams},
                      {"instances", std::move(instances)}};
    if (r.admission) {
      entry["waiting"] = r.admission->waiting();
      entry["in_flight"] = r.admission->in_flight();
      entry["max_in_flight"] = r.admission->max_in_flight();
    }
    list.push_back(std::move(entry));
  };
  for (const auto& method : state.environment.in_process) {
    list.push_back(json{{"method", method.pattern}, {"policy", "in_process"}, {"instances", json::array()}});
  }
  for (const auto& [name, r] : state.published.table->exact) add(r);
  for (const auto& [prefix, r] : state.published.table->prefixes) add(r);
  std::ranges::sort(list, {}, [](const json& r) { return r["method"].get<std::string>(); });
  return list;
}

}  // namespace weft
