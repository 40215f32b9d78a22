#include "node/client/tls_link.hpp"

#include <fmt/format.h>
#include <poll.h>

#include "actors/tls/material.hpp"
#include "actors/transport/network.hpp"

namespace weft::tools {

std::expected<tls_link, std::string> read_tls_options(const tls_options& options) {
  if (!options.on) return tls_link{};
  const auto files = tls::read_material({options.certificate, options.key, options.authorities});
  if (!files) return std::unexpected(files.error());
  // A tool takes what a node offers; 1.2 is as safe with the ciphers that are left.
  auto made = tls::context::make_client(*files, {.tls_1_2 = true});
  if (!made) return std::unexpected(std::move(made.error()));
  return tls_link{std::move(*made), options.server_name};
}

std::string format_node_address(const host_port& address, bool tls) {
  return (tls ? "tls://" : "") + format_host_port(address);
}

std::expected<tls::session, std::string> shake_hands(const tls_link& link, int socket,
                                                     const host_port& address,
                                                     steady_clock::time_point until) {
  const auto refuse = [&](std::string_view why) {
    return std::unexpected(fmt::format("cannot connect to {}: {}", format_node_address(address, true), why));
  };
  const auto& name = link.server_name.empty() ? address.host : link.server_name;
  auto session = tls::session::connect(link.context, socket,
                                       {.server_name = name, .destination = format_host_port(address)});
  for (;;) {
    const auto what = session.handshake();
    if (what == tls::progress::done) return session;
    if (what == tls::progress::failed) return refuse(session.error());
    if (!wait_ready(socket, what == tls::progress::wants_read ? POLLIN : POLLOUT, until))
      return refuse("no TLS handshake in time; check that this port speaks TLS");
  }
}

}  // namespace weft::tools
