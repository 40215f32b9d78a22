// The peer manager: keeps one peer actor for each address that the sources of peers list.
//
// A node that appears is dialled, a node that vanishes is drained and dropped; a peer actor that ends while
// it is still listed, for whatever reason, is started again. What is listed goes to the registry before the
// peer actors that report on it exist.
//
// Thread safety: pinned to the first reactor; its peer actors live on all of them.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/discovery/merge.hpp"
#include "actors/discovery/source.hpp"
#include "actors/runtime/pinned_actor.hpp"
#include "actors/transport/reactor_resources.hpp"

namespace weft {

class nodes_listed;

/// Fixed parts of a node that its peers are made of.
struct peer_environment {
  caf::actor_system* system = nullptr;
  const std::vector<std::unique_ptr<reactor_resources>>* reactors = nullptr;
  const std::vector<caf::strong_actor_ptr>* routers = nullptr;
  caf::actor registry;
};

/// Begins with `start`, stops looking for nodes with `drain`, ends its peer actors and then itself with
/// `close`.
class peer_manager final : public pinned_actor {
 public:
  peer_manager(caf::actor_config& config, reactor& home, peer_environment environment,
               const std::vector<opened_source>& sources);
  ~peer_manager() override;

  const char* name() const override { return "peer_manager"; }

 private:
  struct watched_source {
    opened_source opened;
    /// Its discovery actor; none for what never changes.
    caf::actor watcher;
    /// Nothing before the first look, which may fail.
    bool looked = false;
    node_listing nodes;
  };
  struct running_peer {
    caf::strong_actor_ptr actor;
    std::size_t reactor_index = 0;
    bool retiring = false;
  };

  // -- pinned_actor
  void receive(actor_message& message) override;
  void on_terminate() override;
  void on_exception(std::string_view what) noexcept override;

  void start();
  void watch(std::size_t index);
  void stop_looking();
  void on_nodes_listed(nodes_listed& message);
  void on_peer_ended(const std::string& key);
  /// Brings what runs in line with what is listed.
  void update();
  void note_limits(const merged_listing& merged);
  void tell_registry();
  void spawn_peer(const std::string& key, const peer_listing& listing);
  std::size_t least_used_shard() const;
  void end_peers();

  peer_environment environment_;
  reactor_resources& shared_;
  std::vector<watched_source> sources_;
  peer_listings listed_;
  std::map<std::string, running_peer> running_;
  std::size_t ignored_ = 0;
  std::vector<std::string> ambiguous_;
  bool closing_ = false;
};

}  // namespace weft
