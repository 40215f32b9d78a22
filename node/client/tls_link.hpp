// How a tool connects to `tls://HOST:PORT`: what its options say, and what is made of them.
//
// Thread safety: none needed, a tool is one thread. Errors are sentences for the user.
#pragma once

#include <expected>
#include <memory>
#include <string>

#include "actors/config/options.hpp"
#include "actors/tls/context.hpp"
#include "actors/tls/session.hpp"
#include "node/client/socket.hpp"

namespace weft::tools {

/// What stands behind the options that go with an address `tls://HOST:PORT`.
struct tls_options {
  /// Whether the address is one.
  bool on = false;
  /// PEM files, empty for none: whom to trust instead of those that the system does; what to present.
  std::string authorities{};
  std::string certificate{};
  std::string key{};
  /// Empty for the host of the address.
  std::string server_name{};
};

/// The options with their files read. Without a context it is plain TCP.
struct tls_link {
  std::shared_ptr<const tls::context> context;
  std::string server_name;
};

std::expected<tls_link, std::string> read_tls_options(const tls_options& options);

/// "tls://b.example:7443", "127.0.0.1:7400".
std::string format_node_address(const host_port& address, bool tls);

/// The handshake over a connected socket.
std::expected<tls::session, std::string> shake_hands(const tls_link& link, int socket,
                                                     const host_port& address,
                                                     steady_clock::time_point until);

}  // namespace weft::tools
