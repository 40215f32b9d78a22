// What routers are sent of their connections: sockets to take on, links of peer actors, what the registry
// decides.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include <sys/socket.h>

#include "actors/messages/keys.hpp"
#include "actors/runtime/actor_message.hpp"
#include "actors/tls/session.hpp"

namespace weft {

/// From the acceptor, or who has done the TLS handshake: a connection that is now the receiver's. Closes it
/// when it never arrives.
class adopt_socket final : public actor_message {
 public:
  adopt_socket(int accepted, const sockaddr_storage& from, std::unique_ptr<tls::session> over = {}) noexcept
      : actor_message(type::adopt_socket), descriptor(accepted), address(from), session(std::move(over)) {}
  ~adopt_socket() override;
  int descriptor;
  sockaddr_storage address;
  /// Null for a plain connection, or one whose handshake is yet to be.
  std::unique_ptr<tls::session> session;
};

/// From a peer actor: a connection it has dialled. The router introduces itself and answers with
/// `link_changed`.
class adopt_link final : public actor_message {
 public:
  adopt_link(int dialled, const sockaddr_storage& to, std::unique_ptr<tls::session> over,
             std::string peer_name, caf::strong_actor_ptr peer) noexcept
      : actor_message(type::adopt_link),
        descriptor(dialled),
        address(to),
        session(std::move(over)),
        name(std::move(peer_name)),
        dialler(std::move(peer)) {}
  ~adopt_link() override;
  int descriptor;
  sockaddr_storage address;
  /// Null for a plain connection.
  std::unique_ptr<tls::session> session;
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
  /// The node of an uplink is about to go, what is under way finishes.
  bool leaving = false;
  /// The error that `connect` was refused with, 0 for none.
  std::int32_t code = 0;
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

}  // namespace weft
