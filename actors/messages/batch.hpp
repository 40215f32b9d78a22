// What connections and routers send each other: all messages of one read, all replies of one turn.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actors/messages/keys.hpp"
#include "actors/runtime/message_pool.hpp"
#include "proto/envelope.hpp"
#include "proto/frame.hpp"

namespace weft {

struct inbound_item {
  proto::scan_kind kind = proto::scan_kind::single;
  /// For a rejected frame.
  proto::defect why = proto::defect::none;
  std::size_t offset = 0;
  /// Position in `inbound_batch::groups` of the JSON-RPC batch this message belongs to, or -1.
  std::int32_t group = -1;
  proto::envelope message;
};

/// Connection to router. The views point into the reactor's read buffer or the connection's frame buffer and
/// die when the router is done with it. As long as
/// one is under way, no connection of the reactor reads.
class inbound_batch final : public actor_message {
 public:
  /// A read of up to this many bytes is not timed: its sender counts as one that asks for little.
  static constexpr std::size_t few_bytes = 8192;

  explicit inbound_batch(message_pool<inbound_batch>& pool) noexcept
      : actor_message(type::inbound_batch), pool_(pool) {}

  connection_key from;
  coro::clock::time_point received{};
  /// When its messages were looked at first, of one with more than few bytes; else the epoch.
  coro::clock::time_point began{};
  /// The peer has closed its direction: after these messages none follow.
  bool end_of_stream = false;
  /// Bytes of all frames in it.
  std::size_t bytes = 0;
  /// Its messages were put back, and come again.
  bool resumed = false;
  /// After these messages the stream has no frame boundary any more: answer and finish.
  proto::frame_error broken = proto::frame_error::none;
  std::vector<inbound_item> items;
  /// Number of elements of each JSON-RPC batch, and its text.
  std::vector<std::uint32_t> groups;
  std::vector<std::string_view> group_texts;

  void request_deletion(bool) const noexcept override {
    auto* self = const_cast<inbound_batch*>(this);
    self->items.clear();
    self->groups.clear();
    self->group_texts.clear();
    self->end_of_stream = false;
    self->bytes = 0;
    self->began = {};
    self->resumed = false;
    self->broken = proto::frame_error::none;
    pool_.give_back(self);
  }

 private:
  message_pool<inbound_batch>& pool_;
};

/// Router to connection.
class outbound_batch final : public actor_message {
 public:
  explicit outbound_batch(message_pool<outbound_batch>& pool) noexcept
      : actor_message(type::outbound_batch), pool_(pool) {}

  /// Whole frames that overtake queued bulk: heartbeats, goaway.
  std::string urgent;
  /// Whole frames.
  std::string bulk;
  /// The connection was introduced: keep it alive with this interval.
  std::optional<std::chrono::milliseconds> heartbeat;
  /// The largest frame that is accepted from now on; 0 leaves it.
  std::size_t frame_limit = 0;
  /// The router wants to hear when so little is left to be written; 0 leaves it.
  std::size_t tell_below = 0;
  /// Close once everything is written.
  bool finish = false;

  void request_deletion(bool) const noexcept override {
    auto* self = const_cast<outbound_batch*>(this);
    reset(self->urgent);
    reset(self->bulk);
    self->frame_limit = self->tell_below = 0;
    self->heartbeat.reset();
    self->finish = false;
    pool_.give_back(self);
  }

 private:
  // One huge reply must not pin its size in the pool for ever.
  static void reset(std::string& s) noexcept {
    constexpr std::size_t keep = std::size_t{256} * 1024;
    s.clear();
    if (s.capacity() > keep) std::string().swap(s);
  }

  message_pool<outbound_batch>& pool_;
};

}  // namespace weft
