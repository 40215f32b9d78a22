// An uplink actor: keeps one connection to one of several nodes, for a process that is a client or a service
// of them.
//
// Told as one coroutine: look an address up, connect, hand the socket to the router, wait until the
// connection is down or its node goes, go on with the next address, and wait a little longer after each round
// that reached nobody. A task that ends when it is refused ends after a round in which every node has said
// what it does not take of the introduction.
//
// Thread safety: pinned to the reactor whose router gets the connection.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>

#include "actors/peers/dialler.hpp"
#include "actors/peers/uplink_task.hpp"

namespace weft {

class uplink final : public dialler {
 public:
  uplink(caf::actor_config& config, reactor& home, reactor_resources& shared, uplink_task task,
         caf::strong_actor_ptr router);
  ~uplink() override;

  const char* name() const override { return "uplink"; }

 private:
  // -- dialler
  coro::task<void> live() override { return run(this); }
  void on_link_changed(const link_changed& message) override;

  static coro::task<void> run(uplink* self);
  /// Returns when the connection is down, goes, or could not be made.
  static coro::task<uplink_failure> attempt(uplink* self, host_port address);
  static coro::task<uplink_failure> serve(uplink* self, int descriptor, sockaddr_storage address);
  void tell(const host_port& address, const std::string& error, std::chrono::milliseconds next);

  uplink_task task_;
  coro::completion<uplink_failure>* down_ = nullptr;
};

}  // namespace weft
