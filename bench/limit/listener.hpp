// What the yardstick servers share: `--listen 127.0.0.1:PORT`, a listening socket, the line that says they
// serve.
#pragma once

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

namespace weft::limit {

[[noreturn]] inline void fail(const char* what) {
  std::fprintf(stderr, "%s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

[[noreturn]] inline void wrong_usage(const char* usage) {
  std::fprintf(stderr, "usage: %s\n", usage);
  std::exit(64);
}

/// Reads `A.B.C.D:PORT`.
inline bool parse_ipv4(std::string_view text, sockaddr_in& address) {
  auto colon = text.rfind(':');
  if (colon == std::string_view::npos || colon >= INET_ADDRSTRLEN) return false;
  char host[INET_ADDRSTRLEN] = {};
  text.copy(host, colon);
  std::uint16_t port = 0;
  auto [end, error] = std::from_chars(text.data() + colon + 1, text.data() + text.size(), port);
  address = {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  return error == std::errc() && end == text.data() + text.size() &&
         inet_pton(AF_INET, host, &address.sin_addr) == 1;
}

inline void send_without_delay(int fd) {
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

inline void raise_descriptor_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

/// A non-blocking listening socket; prints `ready listen=HOST:PORT` with the real port.
inline int listen_and_report(sockaddr_in address) {
  signal(SIGPIPE, SIG_IGN);
  raise_descriptor_limit();
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    fail("cannot bind the --listen address");
  if (listen(fd, SOMAXCONN) != 0) fail("cannot listen");
  socklen_t size = sizeof address;
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size);
  char host[INET_ADDRSTRLEN];
  inet_ntop(AF_INET, &address.sin_addr, host, sizeof host);
  std::printf("ready listen=%s:%d\n", host, ntohs(address.sin_port));
  std::fflush(stdout);
  return fd;
}

}  // namespace weft::limit
