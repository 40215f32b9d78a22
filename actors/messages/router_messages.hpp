// What routers are sent by others than their connections: sockets, links, other routers' calls, inspections.
#pragma once

#include <chrono>
#include <future>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>
#include <sys/socket.h>

#include "actors/admission/admission.hpp"
#include "actors/messages/batch.hpp"
#include "actors/messages/close_reason.hpp"
#include "actors/messages/result.hpp"
#include "actors/runtime/actor_message.hpp"
#include "actors/telemetry/snapshot.hpp"

namespace weft {

template <class T>
using message_pointer = std::unique_ptr<T, caf::detail::disposer>;

/// From the acceptor: a connection that is now the router's. Closes it when it never arrives.
class adopt_socket final : public actor_message {
 public:
  adopt_socket(int accepted, const sockaddr_storage& from) noexcept
      : actor_message(type::adopt_socket), descriptor(accepted), address(from) {}
  ~adopt_socket() override;
  int descriptor;
  sockaddr_storage address;
};

/// From a peer actor: a connection it has dialled. The router introduces itself and answers with
/// `link_changed`.
class adopt_link final : public actor_message {
 public:
  adopt_link(int dialled, const sockaddr_storage& to, std::string peer_name,
             caf::strong_actor_ptr peer) noexcept
      : actor_message(type::adopt_link),
        descriptor(dialled),
        address(to),
        name(std::move(peer_name)),
        dialler(std::move(peer)) {}
  ~adopt_link() override;
  int descriptor;
  sockaddr_storage address;
  std::string name;
  caf::strong_actor_ptr dialler;
};

/// To a peer actor: its link is introduced, or it is down and why.
class link_changed final : public actor_message {
 public:
  link_changed(bool is_up, connection_key which, std::string text)
      : actor_message(type::link_changed), up(is_up), key(which), detail(std::move(text)) {}
  bool up;
  /// Down because two nodes have one id.
  bool conflict = false;
  /// Up, but with this very process.
  bool self = false;
  connection_key key;
  /// The peer's node id, or why the link is down.
  std::string detail;
};

/// From a peer actor: its link is not wanted any more. Calls on it may take so long to finish; with no time,
/// it is closed at once.
class retire_link final : public actor_message {
 public:
  retire_link(caf::strong_actor_ptr peer, std::chrono::milliseconds time) noexcept
      : actor_message(type::retire_link), dialler(std::move(peer)), drain_time(time) {}
  caf::strong_actor_ptr dialler;
  std::chrono::milliseconds drain_time;
};

/// From the registry: a message to go out on a connection, if it is still there.
class send_message final : public actor_message {
 public:
  send_message(connection_key to, std::string message)
      : actor_message(type::send), key(to), payload(std::move(message)) {}
  connection_key key;
  std::string payload;
};

/// From the router that was the last to get the table: what a connection has registered is in force on the
/// whole node, or why it is not.
class registered_message final : public actor_message {
 public:
  registered_message(std::uint64_t which, std::string why_not)
      : actor_message(type::registered), ticket(which), refusal(std::move(why_not)) {}
  std::uint64_t ticket;
  std::string refusal;
};

/// From the registry: does the other side of this link still answer? It is told with `node_link_probed`.
class probe_link final : public actor_message {
 public:
  explicit probe_link(connection_key which) noexcept : actor_message(type::probe_link), key(which) {}
  connection_key key;
};

/// From the registry: this link is not to be, for the reason given; a conflict is one that an operator must
/// end.
class refuse_link final : public actor_message {
 public:
  refuse_link(connection_key which, std::string why, bool is_conflict)
      : actor_message(type::refuse_link), key(which), reason(std::move(why)), conflict(is_conflict) {}
  connection_key key;
  std::string reason;
  bool conflict;
};

/// From a connection: the reactor holds more of unfinished frames than it may.
class unfinished_frames final : public actor_message {
 public:
  unfinished_frames() noexcept : actor_message(type::unfinished_frames) {}
};

/// From another router: calls to this method pattern may have room now.
class room_message final : public actor_message {
 public:
  explicit room_message(std::shared_ptr<admission_state> of) noexcept
      : actor_message(type::room), admission(std::move(of)) {}
  std::shared_ptr<admission_state> admission;
};

/// A call, an answer or a cancellation that crosses from one reactor to another.
struct remote_item {
  /// `cancel` still wants the answer, `abandon` does not.
  enum class type : std::uint8_t { call, answer, cancel, abandon, notification };
  type what = type::call;
  std::size_t origin_shard = 0;
  attempt_key origin;
  connection_key callee;
  /// Of a call: the request with an id in it, and where that id stands. Of a notification: the whole. Of an
  /// answer: the response as it came, or empty when there is none.
  std::string text;
  std::size_t id_at = 0;
  std::size_t id_size = 0;
  /// Of an answer without a response.
  rpc_error failure;
};

/// Calls go one way and their answers the other, so the receiver keeps the message for its own next one.
class remote_calls final : public actor_message {
 public:
  explicit remote_calls(message_pool<remote_calls>& pool) noexcept
      : actor_message(type::remote_calls), pool_(&pool) {}

  /// A clean item, except that its text keeps its capacity.
  remote_item& add(remote_item::type what, std::size_t origin_shard, attempt_key origin) {
    if (used_ == items_.size()) items_.emplace_back();
    auto& item = items_[used_++];
    item.what = what;
    item.origin_shard = origin_shard;
    item.origin = origin;
    return item;
  }
  std::span<remote_item> items() noexcept { return {items_.data(), used_}; }
  void keep_in(message_pool<remote_calls>& pool) noexcept { pool_ = &pool; }

  coro::clock::time_point sent;

  void request_deletion(bool) const noexcept override {
    auto* self = const_cast<remote_calls*>(this);
    for (auto& item : self->items()) {
      item.text.clear();
      // A huge message must not pin its size for ever.
      if (item.text.capacity() > kept_bytes) std::string().swap(item.text);
      item.failure = {};
    }
    self->used_ = 0;
    if (self->items_.size() > kept_items) self->items_ = {};
    pool_->give_back(self);
  }

 private:
  static constexpr std::size_t kept_bytes = 4096;
  static constexpr std::size_t kept_items = 256;

  message_pool<remote_calls>* pool_;
  std::vector<remote_item> items_;
  std::size_t used_ = 0;
};

class blocking_done final : public actor_message {
 public:
  blocking_done(call_key which, connection_key by, std::string name)
      : actor_message(type::blocking_done), key(which), caller(by), method(std::move(name)) {}
  call_key key;
  /// The connection that asked for it; one that cannot exist when a coroutine did.
  connection_key caller;
  std::string method;
  result outcome;
  /// What the handler threw, if it did.
  std::optional<std::string> exception;
};

/// From another thread: a look at the router's state.
struct router_report {
  nlohmann::json connections = nlohmann::json::array();
  std::vector<call_series> calls;
  std::vector<service_count> malformed_responses;
  std::size_t in_flight = 0;
  std::size_t introduced = 0;
  std::size_t pending_output_bytes = 0;
  std::int64_t last_request_ns = 0;
};

class inspect_message final : public actor_message {
 public:
  explicit inspect_message(bool with_connections) noexcept
      : actor_message(type::inspect), connections(with_connections) {}
  bool connections;
  std::promise<router_report> report;
};

class drain_message final : public actor_message {
 public:
  drain_message(std::chrono::milliseconds time_left, bool finish_now) noexcept
      : actor_message(type::drain), deadline(time_left), finish(finish_now) {}
  std::chrono::milliseconds deadline;
  /// Everything is answered: close the connections once their output is written.
  bool finish;
};

/// To an actor that begins to work only now, on its own thread.
class start_message final : public actor_message {
 public:
  start_message() noexcept : actor_message(type::start) {}
};

class close_message final : public actor_message {
 public:
  explicit close_message(close_reason reason = close_reason::shutdown) noexcept
      : actor_message(type::close), why(reason) {}
  close_reason why;
};

}  // namespace weft
