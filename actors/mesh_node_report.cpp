// What a node tells about itself.
#include "actors/mesh_node_implementation.hpp"

namespace weft {
namespace {

constexpr const char* registry_is_late = "the registry did not answer within 5 s";

}  // namespace

std::vector<readiness_check> mesh_node::readiness() const {
  const bool draining = impl_->shared.counters.draining.load();
  std::size_t up = 0;
  const auto answer = impl_->ask_registry<peer_list>(peers_query{});
  const auto peers = answer.value_or(peer_list());
  const bool failed = impl_->shared.counters.failed.load() || !answer;
  std::size_t others = 0;
  std::string conflict;
  for (const auto& peer : peers) {
    if (peer.status.is == peer_status::state::conflict) conflict = peer.status.last_error;
    up += peer.status.is == peer_status::state::up ? 1 : 0;
    others += peer.listed && peer.status.is != peer_status::state::self ? 1 : 0;
  }
  return {{"listening", draining || !impl_->run.accepting.empty(), format_net_addresses(impl_->listen)},
          {"serving", !draining, draining ? "draining" : "not draining"},
          {"actors", !failed, failed ? registry_is_late : "running"},
          {"identity", conflict.empty(), conflict.empty() ? "no other node has this id" : conflict},
          // A node without its peers still serves what it has, so this is told but does not count.
          {"peers", true, fmt::format("{} of {} connected", up, others)}};
}

nlohmann::json mesh_node::connections() const {
  auto list = nlohmann::json::array();
  for (std::size_t i = 0; i < impl_->run.routers.size(); ++i) {
    for (auto& connection : impl_->ask(i, true).connections) list.push_back(std::move(connection));
  }
  return list;
}

nlohmann::json mesh_node::peers() const {
  auto list = nlohmann::json::array();
  const auto peers = impl_->ask_registry<peer_list>(peers_query{});
  if (!peers) throw std::runtime_error(registry_is_late);
  for (const auto& [listing, peer, listed] : *peers) {
    list.push_back(
        {{"name", listing.label()},
         {"names", listing.names},
         {"address", format_host_port(listing.address)},
         {"tls", listing.tls},
         {"sources", listing.sources},
         {"state", to_string(peer.is)},
         {"node", peer.node},
         {"attempts", peer.attempts},
         {"last_error", peer.last_error},
         {"since", fmt::format("{:%FT%TZ}", std::chrono::floor<std::chrono::milliseconds>(peer.since))}});
  }
  return list;
}

nlohmann::json mesh_node::routes() const {
  const auto text = impl_->ask_registry<std::string>(routes_query{});
  if (!text) throw std::runtime_error(registry_is_late);
  return nlohmann::json::parse(*text);
}

nlohmann::json mesh_node::methods() const {
  auto list = nlohmann::json::array();
  for (const auto* m : impl_->services.list()) {
    constexpr std::array<std::string_view, 5> kinds = {"raw", "plain", "coroutine", "blocking", "stream"};
    list.push_back({{"name", m->name},
                    {"summary", m->summary},
                    {"handler", kinds[m->handler.index()]},
                    {"idempotent", m->idempotent},
                    {"params", m->params},
                    {"result", m->result}});
  }
  return list;
}

metrics_snapshot mesh_node::metrics() const {
  metrics_snapshot snapshot;
  for (std::size_t i = 0; i < metric_count; ++i) {
    snapshot.values[i] = impl_->shared.registry_counts.get(static_cast<metric>(i));
  }
  for (const auto& reactor : impl_->run.reactors) {
    for (std::size_t i = 0; i < metric_count; ++i) {
      const auto value = reactor->loop.metrics().get(static_cast<metric>(i));
      auto& sum = snapshot.values[i];
      // Times that are a maximum do not add up.
      sum = metric_table[i].type == metric_type::gauge_ns ? std::max(sum, value) : sum + value;
    }
  }
  for (std::size_t i = 0; i < impl_->run.routers.size(); ++i) {
    auto report = impl_->ask(i, false);
    std::ranges::move(report.calls, std::back_inserter(snapshot.calls));
    std::ranges::move(report.malformed_responses, std::back_inserter(snapshot.malformed_responses));
    std::ranges::move(report.over_quota, std::back_inserter(snapshot.over_quota));
  }
  merge_series(snapshot.calls);
  for (auto state = peer_status::state::resolving;;
       state = static_cast<peer_status::state>(std::to_underlying(state) + 1)) {
    snapshot.peers.push_back({std::string(to_string(state)), 0});
    if (state == peer_status::state::draining) break;
  }
  for (const auto& peer : impl_->ask_registry<peer_list>(peers_query{}).value_or(peer_list()))
    ++std::ranges::find(snapshot.peers, to_string(peer.status.is), &peer_state_count::state)->count;
  snapshot.reactors = static_cast<std::int64_t>(impl_->run.reactors.size());
  return snapshot;
}

}  // namespace weft
