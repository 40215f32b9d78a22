// The registry: one actor per node that owns the truth about the mesh: which peers there are and how they
// are, which services are connected here, which methods other nodes serve. It publishes all of it to the
// routers as an immutable table, and tells the other nodes what is served here.
//
// It runs on a thread of its own: handlers that block CAF's scheduler must not keep the mesh from learning
// anything. What arrives never ends it: messages of other nodes are read by the routers, and an exception
// costs the message that brought it about.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include <caf/event_based_actor.hpp>
#include <caf/stateful_actor.hpp>
#include <nlohmann/json.hpp>

#include "actors/methods/declaration.hpp"
#include "actors/registry/routing_table.hpp"
#include "actors/runtime/metrics.hpp"

namespace spdlog {
class logger;
}

namespace weft {

struct registry_state;

/// The OpenRPC document, written by the registry and read by every router.
using shared_document = std::atomic<std::shared_ptr<const std::string>>;

/// What the registry needs to know of its node.
struct registry_environment {
  std::string node;
  std::vector<caf::strong_actor_ptr> routers;
  /// Methods served inside the process.
  std::vector<served_method> in_process;
  limit_options limits;
  balance_options balance;
  std::shared_ptr<shared_document> document;
  std::shared_ptr<spdlog::logger> log;
  /// The registry's own counts; touched from any thread.
  metrics* counts = nullptr;
  /// The document with the methods of the process itself.
  nlohmann::json own_document;
};

/// Its creator sends the first `publish_now`: what an actor sends itself while it starts is lost (CAF 0.17.6,
/// seen with detached actors).
caf::behavior registry(caf::stateful_actor<registry_state>* self, registry_environment environment);

}  // namespace weft
