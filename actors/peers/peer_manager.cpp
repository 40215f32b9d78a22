#include "actors/peers/peer_manager.hpp"

#include <algorithm>

#include <caf/actor_system.hpp>
#include <caf/send.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include "actors/discovery/discovery.hpp"
#include "actors/peers/peer.hpp"

namespace weft {

peer_manager::peer_manager(caf::actor_config& config, reactor& home, peer_environment environment,
                           const std::vector<opened_source>& sources)
    : pinned_actor(config, home),
      environment_(std::move(environment)),
      shared_(*environment_.reactors->at(home.index())) {
  // Names that this node's own configuration gives come before those that somebody else lists.
  for (const bool constant : {true, false}) {
    for (const auto& source : sources) {
      if ((source.kind->interval == nullptr) == constant) sources_.push_back({source, {}, false, {}});
    }
  }
}

peer_manager::~peer_manager() = default;

void peer_manager::receive(actor_message& message) {
  switch (message.what()) {
    case actor_message::type::start:
      return start();
    case actor_message::type::nodes_listed:
      return on_nodes_listed(static_cast<nodes_listed&>(message));
    case actor_message::type::peer_ended:
      return on_peer_ended(static_cast<peer_ended&>(message).key);
    case actor_message::type::drain:
      return stop_looking();
    case actor_message::type::close:
      closing_ = true;
      stop_looking();
      return end_peers();
    default:
      return;
  }
}

void peer_manager::on_terminate() {
  running_.clear();
  environment_.registry = nullptr;
}

void peer_manager::on_exception(std::string_view what) noexcept {
  home().metrics().add(metric::actor_failures);
  shared_.log->error("peer manager: {}", what);
}

void peer_manager::start() {
  for (std::size_t i = 0; i < sources_.size(); ++i) watch(i);
  update();
}

void peer_manager::watch(std::size_t index) {
  auto& source = sources_[index];
  const auto& kind = *source.opened.kind;
  if (kind.interval == nullptr) {
    source.nodes = source.opened.source->look().value_or(node_listing{});
    source.looked = true;
    return;
  }
  discovery_task task{index, source.opened, shared_.options.mesh.*kind.interval,
                      caf::actor_cast<caf::strong_actor_ptr>(this), shared_.log};
  source.watcher = environment_.system->spawn<caf::detached>(discovery, std::move(task));
  caf::anon_send(source.watcher, look_now{});
}

void peer_manager::stop_looking() {
  for (auto& source : sources_) {
    if (source.watcher) caf::anon_send_exit(source.watcher, caf::exit_reason::user_shutdown);
    source.watcher = nullptr;
  }
}

void peer_manager::on_nodes_listed(nodes_listed& message) {
  if (closing_) return;
  auto& source = sources_.at(message.source);
  const bool first = !std::exchange(source.looked, true);
  if (message.listed)
    source.nodes = std::move(*message.listed);
  else if (source.opened.kind->failures)
    home().metrics().add(*source.opened.kind->failures);
  if (message.listed || first) update();
}

void peer_manager::update() {
  std::vector<listed_by> lists;
  for (const auto& kind : source_kinds()) home().metrics().set(kind.nodes, 0);
  for (const auto& source : sources_) {
    const auto& kind = *source.opened.kind;
    lists.push_back({source.opened.text, kind.interval != nullptr, source.nodes});
    home().metrics().add(kind.nodes, static_cast<std::int64_t>(source.nodes.size()));
  }
  auto merged = merge(lists, shared_.options.mesh.max_discovered_nodes,
                      [this](const std::string& key) { return listed_.contains(key); });
  note_limits(merged);
  listed_ = std::move(merged.peers);
  tell_registry();
  for (auto& [key, peer] : running_) {
    if (listed_.contains(key) || std::exchange(peer.retiring, true)) continue;
    shared_.log->info("peer {} is not listed any more", key);
    send_to(peer.actor, make_actor_message<retire_message>());
  }
  for (const auto& [key, listing] : listed_) {
    // One that still drains is started again when it has ended.
    if (!running_.contains(key)) spawn_peer(key, listing);
  }
}

void peer_manager::note_limits(const merged_listing& merged) {
  const auto limit = shared_.options.mesh.max_discovered_nodes;
  if (merged.ignored > 0 && merged.ignored != ignored_) {
    home().metrics().add(metric::limit_discovered_nodes);
    shared_.log->warn(
        "{} of the nodes that the sources of peers list are left out, the limit is {} "
        "(mesh.max_discovered_nodes)",
        merged.ignored, limit);
  }
  ignored_ = merged.ignored;
  if (!merged.ambiguous.empty() && merged.ambiguous != ambiguous_) {
    shared_.log->warn(
        "sources of peers give the same name to different addresses: {}; the first source has it",
        fmt::join(merged.ambiguous, ", "));
  }
  ambiguous_ = merged.ambiguous;
}

void peer_manager::tell_registry() {
  const bool complete = std::ranges::all_of(sources_, &watched_source::looked);
  caf::anon_send(environment_.registry, peers_listed{listed_, complete});
}

void peer_manager::spawn_peer(const std::string& key, const peer_listing& listing) {
  const auto index = least_used_shard();
  auto& where = *environment_.reactors->at(index);
  auto handle = spawn_pinned<peer>(
      *environment_.system, where.loop, where,
      peer_task{key, listing.label(), listing.address, listing.tls ? listing.known_as.host : std::string()},
      environment_.routers->at(index), environment_.registry, caf::actor_cast<caf::strong_actor_ptr>(this));
  auto& running = running_[key];
  running = {caf::actor_cast<caf::strong_actor_ptr>(handle), index, false};
  send_to(running.actor, make_actor_message<start_message>());
}

std::size_t peer_manager::least_used_shard() const {
  std::vector<std::size_t> used(environment_.reactors->size());
  for (const auto& [key, peer] : running_) ++used[peer.reactor_index];
  return static_cast<std::size_t>(std::ranges::min_element(used) - used.begin());
}

void peer_manager::on_peer_ended(const std::string& key) {
  running_.erase(key);
  if (closing_) {
    if (running_.empty()) terminate();
    return;
  }
  if (const auto listed = listed_.find(key); listed != listed_.end()) spawn_peer(key, listed->second);
}

void peer_manager::end_peers() {
  if (running_.empty()) return terminate();
  for (const auto& [key, peer] : running_) send_to(peer.actor, make_actor_message<close_message>());
}

}  // namespace weft
