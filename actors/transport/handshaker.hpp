// Does the TLS handshakes of the connections that a reactor gets, and hands those that succeed to its router.
//
// A connection that has sent nothing costs its descriptor and a few words. One that has begun takes one of
// `limits.handshakes` places; while none is free, the handshake that has taken longest makes room once it has
// had its fair time, and of those that wait the youngest goes first: whoever means it is served at once,
// however many others never finish. Steps, which calculate for a millisecond, are taken one in each turn of
// the loop.
//
// Thread safety: pinned to the reactor of its router. Ownership: of the sockets, until they are handed on.
#pragma once

#include <cstdint>
#include <list>
#include <optional>
#include <string>

#include "actors/messages/connection_messages.hpp"
#include "actors/runtime/pinned_actor.hpp"
#include "actors/telemetry/log_budget.hpp"
#include "actors/tls/session.hpp"
#include "actors/transport/reactor_resources.hpp"

namespace weft {

/// The metric that counts how it ended.
metric outcome_of(tls::failure cause) noexcept;

class handshaker final : public pinned_actor, private coro::timer {
 public:
  handshaker(caf::actor_config& config, reactor& home, reactor_resources& shared,
             caf::strong_actor_ptr router);
  ~handshaker() override;

  const char* name() const override { return "handshaker"; }

 private:
  using clock = coro::clock;

  /// `silent`: nothing has come. `ending`: it has failed, and what the other side is told must reach it.
  enum class stage : std::uint8_t { silent, waiting, running, ending };

  struct attempt final : event_handler {
    attempt(handshaker& by, int accepted, const sockaddr_storage& peer, clock::time_point at_most) noexcept
        : of(by), descriptor(accepted), from(peer), due(at_most) {}
    void on_events(std::uint32_t) override { of.on_ready(*this); }
    void on_turn() override { of.on_step(*this); }

    handshaker& of;
    int descriptor;
    sockaddr_storage from;
    clock::time_point due;
    stage is = stage::silent;
    bool has_turn = false;
    std::optional<tls::session> session;
    clock::time_point begun{};
    /// In the list of all, and in that of the waiting or the running.
    std::list<attempt>::iterator self;
    std::list<attempt*>::iterator place;
  };

  // -- pinned_actor: takes `adopt_socket` in its router's place
  void receive(actor_message& message) override;
  void on_terminate() override;
  void on_exception(std::string_view what) noexcept override;
  // -- coro::timer
  void on_expiry() override;

  void accept(adopt_socket& socket);
  void on_ready(attempt& of);
  void on_step(attempt& of);
  /// Gives a place to it, now or later.
  void enter(attempt& of);
  void begin(attempt& of);
  bool make_room();
  void step(attempt& of);
  void hand_over(attempt& of);
  void fail(attempt& of, metric outcome, const std::string& why);
  void answer_foreign(const attempt& of);
  void give_up(attempt& of);
  void forget(attempt& of);
  void leave_place(attempt& of) noexcept;
  void fill_places();
  void discard(attempt& of);
  void drop(attempt& of) noexcept;
  void schedule();

  reactor_resources& shared_;
  caf::strong_actor_ptr router_;
  /// In the order in which they are due.
  std::list<attempt> all_;
  std::list<attempt> ending_;
  std::list<attempt*> waiting_;
  /// In the order in which they began.
  std::list<attempt*> running_;
  log_budget lines_{10};
};

}  // namespace weft
