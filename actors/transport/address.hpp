// HOST:PORT and NAME=HOST:PORT, as written on command lines and in configuration files.
//
// Printing an address is `format_host_port` of actors/transport/network.hpp.
//
// Pure functions. On failure the sentence names what was wrong and what would be right.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "actors/config/options.hpp"
#include "actors/transport/network.hpp"

namespace weft {

struct named_address {
  std::string name;
  net_address address;
  friend bool operator==(const named_address&, const named_address&) = default;
};

/// Accepts a host name, an IPv4 address or an IPv6 address in brackets; resolves nothing. Port 0 is accepted.
std::expected<host_port, std::string> parse_host_port(std::string_view text);
/// The same behind tcp://, tls:// or nothing.
std::expected<net_address, std::string> parse_net_address(std::string_view text);
/// NAME=[tls://]HOST:PORT with a port of at least 1.
std::expected<named_address, std::string> parse_named_address(std::string_view text);
/// [tls://]HOST:PORT with a port of at least 1.
std::expected<net_address, std::string> parse_peer_net_address(std::string_view text);
/// HOST:PORT with a port of at least 1.
std::expected<host_port, std::string> parse_peer_address(std::string_view text);
/// A node's name: letters, digits, '.', '_' and '-', at most 64 of them. Returns the complaint, empty when it
/// is one.
std::string check_node_name(std::string_view name);

}  // namespace weft
