// A discovery actor: looks at one source of peers at an interval and tells the peer manager what it lists.
//
// A look that fails leaves the last listing in force: a name server that is away for a while, or a file that
// is half written, must not tear down a mesh that works. Nodes that are really gone close their connections.
//
// It runs on a thread of its own, because a name server may let it wait for many seconds.
#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <string>

#include <caf/actor.hpp>
#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/stateful_actor.hpp>

#include "actors/discovery/source.hpp"
#include "actors/runtime/actor_message.hpp"

namespace spdlog {
class logger;
}

namespace weft {

/// From a discovery actor: its source lists other nodes than before, or could not be read.
class nodes_listed final : public actor_message {
 public:
  nodes_listed(std::size_t index, std::expected<node_listing, std::string> what)
      : actor_message(type::nodes_listed), source(index), listed(std::move(what)) {}
  /// Which of the manager's sources.
  std::size_t source;
  std::expected<node_listing, std::string> listed;
};

struct discovery_task {
  std::size_t index = 0;
  opened_source from;
  milliseconds interval{0};
  caf::strong_actor_ptr manager;
  std::shared_ptr<spdlog::logger> log;
};

struct discovery_state {
  discovery_task task;
  std::optional<node_listing> last;
  /// Why the last look failed; empty when it did not.
  std::string failure;

  static inline const char* name = "discovery";
};

struct look_now {};

/// Its creator sends the first `look_now`.
caf::behavior discovery(caf::stateful_actor<discovery_state>* self, discovery_task task);

}  // namespace weft

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(weft::look_now)
