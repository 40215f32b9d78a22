// What a router knows about one of its connections.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <netinet/in.h>

#include "actors/access/access_policy.hpp"
#include "actors/admission/usage.hpp"
#include "actors/messages/batch.hpp"
#include "actors/transport/connection.hpp"

namespace weft {

struct attempt;
struct call;

/// One direction of a stream whose next grant waits for a connection to take its output.
struct stalled_stream {
  call_key call;
  bool downwards = false;
};

/// How far a connection has come, from its beginning to its end.
struct connection_state {
  bool open = false;
  bool introduced = false;
  bool half_closed = false;
  bool going_away = false;
  bool finishing = false;
  /// It is among those whose output goes out at the end of the turn.
  bool dirty = false;
  bool serves = false;
  /// What the connection has registered, or said with connect, is not in force yet: its output waits.
  bool registering = false;
  /// Some of its requests were put back.
  bool backlogged = false;
  /// Why the other side says that it goes, and whether that is because of its id or ours.
  std::string goaway_reason;
  bool conflict = false;
};

/// The calls of a connection that are under way.
struct connection_load {
  call* calls_made = nullptr;
  attempt* attempts_received = nullptr;
  std::uint32_t made_count = 0;
  /// So many of the calls it made have been answered already.
  std::uint32_t left_behind_count = 0;
  std::uint32_t received_count = 0;
};

/// Who is at the other end, as far as it has said.
struct connection_party {
  sockaddr_storage address{};
  std::string name;
  std::string instance;
  /// The id of the node at the other end, if it is one, and which of its lives.
  std::string node;
  std::string incarnation;
  /// The largest frame that the other side has said it takes.
  std::size_t accepts = std::numeric_limits<std::size_t>::max();

  /// How it introduced itself: a node's id, or a service's name.
  const std::string& title() const noexcept { return node.empty() ? name : node; }
};

/// What a connection may do, and what it has of the limits.
struct connection_access {
  /// Null without an access policy.
  const identity* who = nullptr;
  /// The token by which that was proven, if it was by one.
  std::optional<token_digest> proof;
  std::size_t wrong_tokens = 0;
  /// What its calls take, where that is not counted for all connections of its identity together.
  usage own_usage;
  usage* of_identity = nullptr;
  /// In the share of connections that its identity has; nothing for who counts for itself.
  std::optional<usage_account> place;

  /// What its calls are charged to.
  usage& charged() noexcept { return of_identity != nullptr ? *of_identity : own_usage; }
};

/// The streams among the calls of a connection.
struct connection_streams {
  std::uint32_t made = 0;
  std::uint32_t received = 0;
  std::vector<stalled_stream> stalled;
};

/// Large answers to a node that wait until its link has taken others.
struct held_answers {
  std::vector<std::string> frames;
  std::size_t bytes = 0;
};

/// Who else hears of the end of a connection.
struct connection_watchers {
  /// A peer actor that has dialled it.
  caf::strong_actor_ptr dialler;
  /// Shared with whoever keeps a handle of the connection, if anybody does; becomes false with its end.
  std::shared_ptr<std::atomic<bool>> alive;
};

struct connection_entry {
  /// `uplink`: of this process, as a client or a service, to its node.
  enum class role : std::uint8_t { client, node_in, node_out, uplink };

  connection_key key() const noexcept { return id; }
  /// To another node.
  bool is_link() const noexcept { return as == role::node_in || as == role::node_out; }
  /// Pending on the connection, and gathered for it here.
  std::size_t output_bytes() const noexcept {
    return transport->status().pending_output + (out ? out->bulk.size() : 0);
  }

  caf::strong_actor_ptr actor;
  /// The same actor, for its status and direct calls, since both are on one reactor.
  connection* transport = nullptr;
  connection_key id{0, 1};
  role as = role::client;
  message_pool<outbound_batch>::pointer out;
  connection_state state;
  connection_load load;
  connection_party party;
  connection_access access;
  connection_streams streams;
  held_answers held_back;
  connection_watchers watchers;
};

}  // namespace weft
