#include "actors/transport/address.hpp"

#include <algorithm>
#include <charconv>
#include <ranges>
#include <utility>

#include <arpa/inet.h>
#include <fmt/format.h>

namespace weft {
namespace {

constexpr std::size_t max_name_length = 64;

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
         c == '-';
}

bool is_address(int family, std::string_view text) {
  unsigned char binary[sizeof(in6_addr)];
  return inet_pton(family, std::string{text}.c_str(), binary) == 1;
}

/// RFC 1035, 2.3.4, and RFC 1123, 2.1; underscores are in use inside of container networks.
std::string check_labels(std::string_view host) {
  constexpr std::size_t longest_name = 253;
  constexpr std::size_t longest_label = 63;
  if (host.size() > longest_name)
    return fmt::format("a host name has at most {} characters, not {}", longest_name, host.size());
  for (const auto part : std::views::split(host, '.')) {
    const std::string_view label(part.begin(), part.end());
    if (label.size() > longest_label)
      return fmt::format("\"{}\" is not a host name; its parts have at most {} characters", host,
                         longest_label);
    if (label.starts_with('-') || label.ends_with('-'))
      return fmt::format("\"{}\" is not a host name; its parts neither begin nor end with '-'", host);
  }
  return "";
}

/// The complaint about a host, empty when it is fine.
std::string check_host(std::string_view host, bool bracketed) {
  if (bracketed)
    return is_address(AF_INET6, host) ? "" : fmt::format("[{}] is not an IPv6 address such as [::1]", host);
  if (host.empty()) return "the host is missing; write 127.0.0.1:7400, or 0.0.0.0:7400 for every interface";
  if (host.contains("//")) return "an address has no scheme here; write HOST:PORT";
  if (host.contains(':')) return "an IPv6 address stands in brackets; write [::1]:7400";
  if (!std::ranges::all_of(host, is_name_char))
    return fmt::format("\"{}\" is not a host name; use letters, digits, '.', '-' and '_'", host);
  if (auto wrong = check_labels(host); !wrong.empty()) return wrong;
  const bool numeric = host.find_first_not_of("0123456789.") == host.npos;
  if (numeric && !is_address(AF_INET, host))
    return fmt::format("\"{}\" is not an IPv4 address such as 127.0.0.1", host);
  return "";
}

}  // namespace

std::expected<host_port, std::string> parse_host_port(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  // A colon inside the brackets belongs to the address.
  if (colon == text.npos || text.find(']', colon) != text.npos)
    return std::unexpected(fmt::format("\"{}\" has no port; write HOST:PORT such as 127.0.0.1:7400", text));
  std::string_view host = text.substr(0, colon);
  const std::string_view port_text = text.substr(colon + 1);

  const bool bracketed = host.starts_with('[') && host.ends_with(']');
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (std::string complaint = check_host(host, bracketed); !complaint.empty())
    return std::unexpected(fmt::format("\"{}\": {}", text, complaint));

  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(port_text.data(), port_text.data() + port_text.size(), port);
  if (error != std::errc{} || end != port_text.data() + port_text.size())
    return std::unexpected(
        fmt::format("\"{}\": the port \"{}\" is not a number from 0 to 65535", text, port_text));
  return host_port{std::string{host}, port};
}

std::expected<net_address, std::string> parse_net_address(std::string_view text) {
  constexpr std::string_view mark = "://";
  net_address parsed;
  auto address = text;
  if (const auto at = text.find(mark); at != text.npos) {
    const auto scheme = text.substr(0, at);
    if (scheme != "tcp" && scheme != "tls")
      return std::unexpected(fmt::format(
          "\"{}\": {}:// is no way to connect; write tcp://HOST:PORT or tls://HOST:PORT", text, scheme));
    parsed.tls = scheme == "tls";
    address = text.substr(at + mark.size());
  }
  auto at = parse_host_port(address);
  if (!at) return std::unexpected(std::move(at.error()));
  parsed.at = *std::move(at);
  return parsed;
}

std::string check_node_name(std::string_view name) {
  if (name.empty()) return "the name is empty; use letters, digits, '.', '_' and '-'";
  if (name.size() > max_name_length)
    return fmt::format("the name has {} characters; use at most {}", name.size(), max_name_length);
  if (!std::ranges::all_of(name, is_name_char))
    return fmt::format("\"{}\" is not a name; use letters, digits, '.', '_' and '-'", name);
  return "";
}

std::expected<net_address, std::string> parse_peer_net_address(std::string_view text) {
  auto address = parse_net_address(text);
  if (address && address->at.port == 0)
    return std::unexpected(fmt::format("\"{}\": a peer's port is a number from 1 to 65535", text));
  return address;
}

std::expected<host_port, std::string> parse_peer_address(std::string_view text) {
  auto address = parse_host_port(text);
  if (address && address->port == 0)
    return std::unexpected(fmt::format("\"{}\": a peer's port is a number from 1 to 65535", text));
  return address;
}

std::expected<named_address, std::string> parse_named_address(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == text.npos)
    return std::unexpected(
        fmt::format("\"{}\" names no peer; write NAME=HOST:PORT such as b=127.0.0.1:7401", text));
  const std::string_view name = text.substr(0, equals);
  if (std::string complaint = check_node_name(name); !complaint.empty())
    return std::unexpected(fmt::format("\"{}\": {}", text, complaint));
  auto address = parse_peer_net_address(text.substr(equals + 1));
  if (!address) return std::unexpected(std::move(address.error()));
  return named_address{std::string{name}, *std::move(address)};
}

}  // namespace weft
