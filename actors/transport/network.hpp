// Small helpers around socket addresses.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <vector>

#include <sys/socket.h>

#include "actors/config/options.hpp"

namespace weft {

/// "127.0.0.1:7400", "[::1]:7400".
std::string format_address(const sockaddr_storage& address);
std::string format_host_port(const host_port& address);
/// "127.0.0.1:7400", "tls://127.0.0.1:7443"; of several, one behind the other.
std::string format_net_address(const net_address& address);
std::string format_net_addresses(const std::vector<net_address>& addresses);
/// Numeric host and port.
host_port to_host_port(const sockaddr_storage& address);
std::uint16_t port_of(const sockaddr_storage& address) noexcept;
/// No delay for small messages, and probes that find out when the other side has vanished.
void set_connection_options(int descriptor, const tcp_options& options) noexcept;
socklen_t length_of(const sockaddr_storage& address) noexcept;

/// All addresses of a host, numeric or by name. Blocks while a name is looked up: never call it on a reactor.
std::expected<std::vector<sockaddr_storage>, std::string> resolve_host(const host_port& address);
/// The address when `host` is numeric, without a look-up; else empty.
std::vector<sockaddr_storage> numeric_address(const host_port& address);

}  // namespace weft
