// What the actors of one reactor share: the loop itself, recycled messages, and the node's constants.
// Owned by the node, outlives the actors; used from the reactor's thread.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "actors/config/options.hpp"
#include "actors/messages/batch.hpp"
#include "actors/messages/router_messages.hpp"
#include "actors/runtime/reactor.hpp"

namespace spdlog {
class logger;
}

namespace weft {

std::string random_incarnation();

/// What all reactors share, touched once per connection.
struct node_counters {
  std::atomic<std::int64_t> connections{0};
  std::atomic<bool> draining{false};
  /// An actor has ended that the node cannot do without.
  std::atomic<bool> failed{false};
  /// This life of the node: tells it from others with the same id, and from what it was before a restart.
  std::string incarnation = random_incarnation();
};

struct reactor_resources {
  reactor_resources(caf::actor_system& system, std::size_t index, const node_options& node,
                    node_counters& shared, std::shared_ptr<spdlog::logger> logger)
      : loop(system, index, node.reactor),
        inbound(loop),
        outbound(loop),
        remote(loop),
        options(node),
        counters(shared),
        log(std::move(logger)) {}

  reactor loop;
  message_pool<inbound_batch> inbound;
  message_pool<outbound_batch> outbound;
  message_pool<remote_calls> remote;
  /// The bytes of frames that connections of this reactor have not read whole.
  std::size_t unfinished_bytes = 0;
  /// Reused for every JSON-RPC batch that is scanned.
  std::vector<proto::envelope> scan_batch;
  const node_options& options;
  node_counters& counters;
  std::shared_ptr<spdlog::logger> log;
};

}  // namespace weft
