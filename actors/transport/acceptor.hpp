// A listening socket: accepts connections and hands them round to the routers, or to who does the TLS
// handshake before them, one after the other.
//
// Out of descriptors it stops listening for a while instead of spinning on an event that stays ready; over
// the connection limit it says why, on a plain port, and closes.
//
// Thread safety: used on its reactor's thread, except for construction.
#pragma once

#include <chrono>
#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "actors/runtime/pinned_actor.hpp"
#include "actors/transport/reactor_resources.hpp"

namespace weft {

/// A bound and listening socket, not yet served. Closed when it is never given to an acceptor.
class listening_socket {
 public:
  static std::expected<listening_socket, std::string> open(const net_address& address,
                                                           const tcp_options& options = {});
  listening_socket(listening_socket&& other) noexcept
      : descriptor_(std::exchange(other.descriptor_, -1)), tls_(other.tls_) {}
  listening_socket& operator=(listening_socket&&) = delete;
  ~listening_socket();

  int descriptor() const noexcept { return descriptor_; }
  int release() noexcept { return std::exchange(descriptor_, -1); }
  /// The real port, also when 0 was asked for.
  std::uint16_t port() const;
  bool tls() const noexcept { return tls_; }

 private:
  listening_socket(int descriptor, bool tls) noexcept : descriptor_(descriptor), tls_(tls) {}
  int descriptor_;
  bool tls_;
};

/// Half of RLIMIT_NOFILE unless configured, and never so many that the admin port runs out of descriptors.
std::size_t connection_limit(std::size_t configured);
/// The number of the first descriptor that no connection may have.
int first_reserved_descriptor();

class acceptor final : public pinned_actor, private event_handler, private coro::timer {
 public:
  /// `takers` are the routers, or the handshakers of their reactors.
  acceptor(caf::actor_config& config, reactor& home, reactor_resources& shared, listening_socket listener,
           std::vector<caf::strong_actor_ptr> takers);
  ~acceptor() override;

  const char* name() const override { return "acceptor"; }

 private:
  // -- pinned_actor: `start` begins to accept, `close` ends it
  void receive(actor_message& message) override;
  void on_terminate() override;
  void on_exception(std::string_view what) noexcept override;
  // -- event_handler
  void on_events(std::uint32_t mask) override;
  // -- coro::timer: the back-off is over
  void on_expiry() override;

  void accept_some();
  bool accept_one();
  void refuse(int descriptor, metric limit, const std::string& why);
  void back_off(int error);
  void close_listener() noexcept;

  reactor_resources& shared_;
  int listener_;
  bool tls_;
  std::vector<caf::strong_actor_ptr> takers_;
  std::size_t next_taker_ = 0;
  std::size_t limit_;
  /// Descriptors from this number on are for the admin port and whatever else must still work when
  /// connections have used up the rest: the kernel gives out the lowest free number.
  int first_reserved_;
  std::chrono::milliseconds back_off_;
  bool resting_ = false;
};

}  // namespace weft
