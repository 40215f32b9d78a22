#include "actors/transport/network.hpp"

#include <algorithm>
#include <cstring>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

namespace weft {
namespace {

std::expected<std::vector<sockaddr_storage>, std::string> look_up(const host_port& address, int flags) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* list = nullptr;
  const int error = ::getaddrinfo(address.host.c_str(), std::to_string(address.port).c_str(), &hints, &list);
  if (error != 0) return std::unexpected(fmt::format("{}: {}", address.host, ::gai_strerror(error)));
  std::vector<sockaddr_storage> found;
  for (const auto* entry = list; entry != nullptr; entry = entry->ai_next) {
    sockaddr_storage storage{};
    std::memcpy(&storage, entry->ai_addr, std::min<std::size_t>(entry->ai_addrlen, sizeof storage));
    found.push_back(storage);
  }
  ::freeaddrinfo(list);
  return found;
}

}  // namespace

std::string format_host_port(const host_port& address) {
  const bool v6 = address.host.contains(':');
  return fmt::format("{}{}{}:{}", v6 ? "[" : "", address.host, v6 ? "]" : "", address.port);
}

host_port to_host_port(const sockaddr_storage& address) {
  char text[INET6_ADDRSTRLEN] = "";
  if (address.ss_family == AF_INET) {
    ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(address).sin_addr, text, sizeof text);
  } else if (address.ss_family == AF_INET6) {
    ::inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6&>(address).sin6_addr, text, sizeof text);
  }
  return {text, port_of(address)};
}

std::string format_net_address(const net_address& address) {
  return (address.tls ? "tls://" : "") + format_host_port(address.at);
}

std::string format_net_addresses(const std::vector<net_address>& addresses) {
  std::string all;
  for (const auto& each : addresses) all += (all.empty() ? "" : ",") + format_net_address(each);
  return all;
}

std::string format_address(const sockaddr_storage& address) {
  return format_host_port(to_host_port(address));
}

std::uint16_t port_of(const sockaddr_storage& address) noexcept {
  if (address.ss_family == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6&>(address).sin6_port);
  return ntohs(reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

socklen_t length_of(const sockaddr_storage& address) noexcept {
  return address.ss_family == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
}

std::expected<std::vector<sockaddr_storage>, std::string> resolve_host(const host_port& address) {
  return look_up(address, 0);
}

std::vector<sockaddr_storage> numeric_address(const host_port& address) {
  return look_up(address, AI_NUMERICHOST).value_or(std::vector<sockaddr_storage>{});
}

void set_connection_options(int descriptor, const tcp_options& options) noexcept {
  const auto set = [&](int level, int name, int value) {
    ::setsockopt(descriptor, level, name, &value, sizeof value);
  };
  set(IPPROTO_TCP, TCP_NODELAY, 1);
  if (options.keepalive_idle.count() == 0) return;
  const auto seconds = [](milliseconds time) {
    return static_cast<int>(std::chrono::ceil<std::chrono::seconds>(time).count());
  };
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, seconds(options.keepalive_idle));
  set(IPPROTO_TCP, TCP_KEEPINTVL, seconds(options.keepalive_interval));
  set(IPPROTO_TCP, TCP_KEEPCNT, static_cast<int>(options.keepalive_probes));
}

}  // namespace weft
