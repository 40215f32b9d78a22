// A peer actor: keeps one connection to one other node, for as long as that is listed.
//
// Told as one coroutine: look the address up, connect, hand the socket to the router, wait until the link is
// down, wait a little, begin again. It reports every change to the registry, and its end to both the registry
// and the peer manager. An address that turns out to be this node itself is not dialled again.
//
// Thread safety: pinned to the reactor whose router gets the connection.
#pragma once

#include <string>
#include <vector>

#include "actors/config/options.hpp"
#include "actors/peers/dialler.hpp"
#include "actors/registry/messages.hpp"

namespace weft {

/// From the peer manager: the node is not listed any more. Calls on the link finish, then the actor ends.
class retire_message final : public actor_message {
 public:
  retire_message() noexcept : actor_message(type::retire) {}
};

/// To the peer manager.
class peer_ended final : public actor_message {
 public:
  explicit peer_ended(std::string which) : actor_message(type::peer_ended), key(std::move(which)) {}
  std::string key;
};

struct peer_task {
  /// By which the manager and the registry know it.
  std::string key;
  /// What /connections calls it, and logs with its address.
  std::string label;
  host_port address;
  /// Over TLS, the host that its certificate must be for; empty for plain TCP.
  std::string server_name{};
  bool tls() const noexcept { return !server_name.empty(); }
};

class peer final : public dialler {
 public:
  peer(caf::actor_config& config, reactor& home, reactor_resources& shared, peer_task task,
       caf::strong_actor_ptr router, caf::actor registry, caf::strong_actor_ptr manager);
  ~peer() override;

  const char* name() const override { return "peer"; }

 private:
  // -- dialler
  coro::task<void> live() override;
  void on_link_changed(const link_changed& message) override;
  void retire() override;
  void on_terminate() override;

  static coro::task<void> run(peer* self);
  static coro::task<std::string> serve(peer* self, int descriptor, sockaddr_storage address,
                                       std::unique_ptr<tls::session> session);
  static coro::task<std::string> secure(peer* self, int descriptor, sockaddr_storage address);
  static coro::task<std::string> dial(peer* self, std::vector<sockaddr_storage> candidates);
  void report(peer_status::state state);
  void tell(const std::string& error, std::chrono::milliseconds next);
  /// "b (10.0.0.2:7400)"
  std::string described() const;
  bool is_self(const sockaddr_storage& address) const;

  peer_task task_;
  caf::actor registry_;
  caf::strong_actor_ptr manager_;
  peer_status status_;
  bool conflict_ = false;
  /// What is there instead of a node has been told, since the last link.
  bool foreign_told_ = false;
  bool retiring_ = false;
  /// Of the link that is up or coming up.
  sockaddr_storage dialled_{};
  /// Addresses that answered with this node's own id.
  std::vector<std::string> own_;
  coro::completion<std::string>* link_down_ = nullptr;
};

}  // namespace weft
