// What the actors that keep one connection to somebody have in common: a life that is told as one coroutine,
// the messages that it waits for, and growing pauses between attempts.
//
// Thread safety: pinned to the reactor whose router gets the connection.
#pragma once

#include <expected>
#include <optional>
#include <string>

#include "actors/coro/completion.hpp"
#include "actors/coro/scope.hpp"
#include "actors/messages/router_messages.hpp"
#include "actors/peers/dialling.hpp"
#include "actors/runtime/backoff.hpp"
#include "actors/runtime/pinned_actor.hpp"
#include "actors/transport/reactor_resources.hpp"

namespace weft {

class dialler : public pinned_actor {
 protected:
  /// `title` begins the lines of the log that tell of its bugs.
  dialler(caf::actor_config& config, reactor& home, reactor_resources& shared, caf::strong_actor_ptr router,
          std::string title);

  /// Its life, a static coroutine; the actor outlives it.
  virtual coro::task<void> live() = 0;
  virtual void on_link_changed(const link_changed& message) = 0;
  /// The other side is not wanted any more.
  virtual void retire() { terminate(); }
  void on_terminate() override;

  coro::task<dialling::addresses> look_up(const host_port& address);
  coro::task<std::expected<int, std::string>> connect(const sockaddr_storage& address);
  coro::task<std::expected<std::unique_ptr<tls::session>, std::string>> shake_hands(int descriptor,
                                                                                    tls::dialled to);
  void note_up() { up_since_ = home().now(); }
  /// True when the connection has lasted: then the pauses begin anew.
  bool note_down();
  /// What happens again and again is told once.
  bool told_before(const std::string& what);

  reactor_resources& shared_;
  caf::strong_actor_ptr router_;
  backoff backoff_;
  /// What was logged of the last failure.
  std::string told_;
  /// When the connection came up, while it is.
  std::optional<coro::clock::time_point> up_since_;
  std::optional<coro::cancel_scope> life_;

 private:
  // -- pinned_actor
  void receive(actor_message& message) final;
  void on_exception(std::string_view what) noexcept final;

  std::string title_;
  dialling dialling_;
  std::optional<coro::scope> tasks_;
};

}  // namespace weft
