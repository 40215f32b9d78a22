// An uplink actor: keeps one connection to one of several nodes, for a process that is a client or a service
// of them.
//
// Told as one coroutine: look an address up, connect, hand the socket to the router, wait until the
// connection is down or its node goes, go on with the next address, and wait a little longer after each round
// that reached nobody.
//
// Thread safety: pinned to the reactor whose router gets the connection.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "actors/coro/completion.hpp"
#include "actors/coro/scope.hpp"
#include "actors/messages/router_messages.hpp"
#include "actors/peers/dialling.hpp"
#include "actors/peers/uplink_task.hpp"
#include "actors/runtime/backoff.hpp"
#include "actors/runtime/pinned_actor.hpp"
#include "actors/transport/shard.hpp"

namespace weft {

class uplink final : public pinned_actor {
 public:
  uplink(caf::actor_config& config, reactor& home, shard& shared, uplink_task task,
         caf::strong_actor_ptr router);
  ~uplink() override;

  const char* name() const override { return "uplink"; }

 private:
  // -- pinned_actor
  void receive(actor_message& message) override;
  void on_terminate() override;
  void on_exception(std::string_view what) noexcept override;

  static coro::task<void> run(uplink* self);
  /// Returns when the connection is down, goes, or could not be made.
  static coro::task<uplink_failure> attempt(uplink* self, host_port address);
  static coro::task<uplink_failure> serve(uplink* self, int descriptor, sockaddr_storage address);
  void on_link_changed(const link_changed& message);
  void tell(const host_port& address, const std::string& error, std::chrono::milliseconds next);

  shard& shared_;
  uplink_task task_;
  caf::strong_actor_ptr router_;
  backoff backoff_;
  dialling dialling_;
  std::string told_;
  std::optional<coro::clock::time_point> up_since_;
  coro::completion<uplink_failure>* down_ = nullptr;
  std::optional<coro::context> life_;
  std::optional<coro::scope> tasks_;
};

}  // namespace weft
