// A client: calls methods of a node, and of everything that the node reaches.
//
//     auto node = weft::client::connect("127.0.0.1:7400", {.name = "me"}).value();
//     auto ada = node.call<user>("users.get", 1, {.deadline = 200ms}).get();
//
// It is a node without a listener: one reactor, on a thread of its own. When the connection is lost it
// connects again, to the next of its addresses, and calls wait for that for a moment; a call that was under
// way then fails with 14, whose `executed` says whether it is safe to try again.
//
// Ownership: a client is a handle; the connection ends with the last one, and calls under way with it.
// Thread safety: any thread. Errors: results; nothing throws.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "weft/addresses.hpp"
#include "weft/coro.hpp"
#include "weft/detail/arguments.hpp"
#include "weft/detail/connected.hpp"
#include "weft/error.hpp"
#include "weft/fields.hpp"
#include "weft/pending.hpp"
#include "weft/stream.hpp"

namespace spdlog {
class logger;
}

namespace weft {

class service;

struct client_options {
  /// By which the node knows it.
  std::string name = "client";
  std::string instance{};
  /// Who this is, to a node that asks for it.
  std::string token{};
  /// For `connect`, and for calls while there is no connection.
  std::chrono::milliseconds connect_timeout{3'000};
  /// The deadline of calls that bring none.
  std::chrono::milliseconds default_deadline{30'000};
  /// The interval in which both sides say that they live.
  std::chrono::milliseconds heartbeat{15'000};
  /// Tell the mesh of the methods that are given to `connect`; else only what this client calls may call
  /// them back.
  bool serves = false;
  /// Warnings on standard error without one.
  std::shared_ptr<spdlog::logger> log{};
};

/// `call<T>(method, arguments…, options)` and `stream<T>(method, arguments…, options)` are those of
/// detail::connected, and so are `spawn` and `run`. Arguments go by position, or one `weft::named{{"id", 1}}`
/// has them by name.
class client : public detail::connected {
 public:
  /// Returns once the node has answered `connect`: with its error, or with 14 when none of the addresses
  /// could be reached.
  static result<client> connect(const addresses& nodes, const client_options& options = {});
  /// `methods` answer calls and notifications that come over the connection.
  static result<client> connect(const addresses& nodes, const client_options& options,
                                const service& methods);

  /// Sends a notification. Nothing happens when there is no connection now.
  template <class... Args>
  void notify(std::string method, const Args&... args) const {
    notify_raw(std::move(method), detail::encode(args...));
  }
  void notify_raw(std::string method, std::string raw_params) const;

  /// The id of the node, or of the last one.
  std::string node() const;
  bool is_connected() const;
  /// Ends the connection now; calls under way fail with 14.
  void close() const;

 private:
  using detail::connected::connected;
};

}  // namespace weft
