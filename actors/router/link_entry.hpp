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

struct link_entry {
  /// `uplink`: of this process, as a client or a service, to its node.
  enum class role : std::uint8_t { client, peer_in, peer_out, uplink };

  connection_key key() const noexcept { return {slot, generation}; }
  /// To another node.
  bool is_link() const noexcept { return as == role::peer_in || as == role::peer_out; }
  /// Pending on the connection, and gathered for it here.
  std::size_t output_bytes() const noexcept {
    return status->status().pending_output + (out ? out->bulk.size() : 0);
  }
  /// What its calls are charged to.
  usage& charged() noexcept { return of_identity != nullptr ? *of_identity : own_usage; }
  /// How it introduced itself: a node's id, or a service's name.
  const std::string& title() const noexcept { return node.empty() ? name : node; }

  caf::strong_actor_ptr actor;
  const connection* status = nullptr;
  std::uint32_t slot = 0;
  std::uint32_t generation = 1;
  bool open = false;
  bool introduced = false;
  bool half_closed = false;
  bool going_away = false;
  bool finishing = false;
  bool dirty = false;
  bool serves = false;
  /// What it has registered is not in force yet: its output waits, so that it hears that first.
  bool registering = false;
  /// Some of its requests were put back.
  bool backlogged = false;
  role as = role::client;
  message_pool<outbound_batch>::pointer out;

  call* calls_made = nullptr;
  attempt* attempts_received = nullptr;
  std::uint32_t made_count = 0;
  /// Of the calls it made, those that it has been answered already.
  std::uint32_t left_behind_count = 0;
  std::uint32_t received_count = 0;
  /// What its calls take, where that is not counted for all connections of its identity together.
  usage own_usage;
  usage* of_identity = nullptr;
  /// In the share of connections that its identity has; nothing for who counts for itself.
  std::optional<usage_account> place;

  /// Of the calls it made, those that stream.
  std::uint32_t stream_count = 0;
  /// Of those it received.
  std::uint32_t streams_received = 0;
  std::vector<stalled_stream> stalled;

  /// Large answers to a node that wait until its link has taken others, and their bytes.
  std::vector<std::string> held_back;
  std::size_t held_back_bytes = 0;

  sockaddr_storage address{};
  /// Told when a link that a peer actor dialled goes down.
  caf::strong_actor_ptr dialler;
  std::string name;
  std::string instance;
  /// What it may do; null without an access policy.
  const identity* who = nullptr;
  std::size_t wrong_tokens = 0;
  /// The id of the node at the other end, if it is one, and which of its lives.
  std::string node;
  std::string incarnation;
  /// Why the other side says that it goes, and whether that is because of its id or ours.
  std::string goaway_reason;
  bool conflict = false;
  /// The largest frame that the other side has said it takes.
  std::size_t accepts = std::numeric_limits<std::size_t>::max();
  /// Shared with whoever keeps a handle of the connection, if anybody does; becomes false with its end.
  std::shared_ptr<std::atomic<bool>> alive;
};

}  // namespace weft
