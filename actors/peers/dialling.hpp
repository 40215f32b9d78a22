// Connecting to an address from a reactor: looks a name up, connects a socket and does the TLS handshake,
// without blocking. For the actors that keep a connection to somebody, one attempt at a time.
//
// Ownership: a member of such an actor, which hands it `address_resolved`. Thread safety: none; belongs to
// the actor's reactor.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <vector>

#include <caf/actor_system.hpp>
#include <netinet/in.h>

#include "actors/config/options.hpp"
#include "actors/coro/completion.hpp"
#include "actors/coro/task.hpp"
#include "actors/messages/router_messages.hpp"
#include "actors/runtime/reactor.hpp"
#include "actors/tls/session.hpp"

namespace weft {

/// Answer of a name look-up, which runs on a thread of its own because it blocks.
class address_resolved final : public actor_message {
 public:
  address_resolved() noexcept : actor_message(type::address_resolved) {}
  std::expected<std::vector<sockaddr_storage>, std::string> found;
};

class dialling final : private event_handler {
 public:
  using addresses = std::expected<std::vector<sockaddr_storage>, std::string>;

  dialling(reactor& home, const node_options& options) noexcept : home_(home), options_(options) {}
  dialling(const dialling&) = delete;
  dialling& operator=(const dialling&) = delete;
  ~dialling() = default;

  /// `me` is the actor, which is sent the answer.
  static coro::task<addresses> look_up(dialling* self, caf::actor_system* system, caf::strong_actor_ptr me,
                                       host_port address, coro::cancel_scope life);
  static coro::task<std::expected<int, std::string>> connect(dialling* self, sockaddr_storage address,
                                                             coro::cancel_scope life);
  /// The handshake over a socket that `connect` has given, which is closed when it fails.
  static coro::task<std::expected<std::unique_ptr<tls::session>, std::string>> shake_hands(
      dialling* self, int descriptor, tls::dialled to, coro::cancel_scope life);
  void on_resolved(address_resolved& message);
  /// Takes back what is under way.
  void drop() noexcept;

 private:
  // -- event_handler: the connecting socket is writable, or failed; or it is what the handshake waits for
  void on_events(std::uint32_t mask) override;

  reactor& home_;
  const node_options& options_;
  int connecting_ = -1;
  bool in_handshake_ = false;
  coro::completion<addresses>* resolved_ = nullptr;
  coro::completion<int>* connected_ = nullptr;
};

}  // namespace weft
