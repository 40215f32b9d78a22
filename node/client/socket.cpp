#include "node/client/socket.hpp"

#include <cerrno>
#include <system_error>

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <unistd.h>

#include "actors/transport/network.hpp"

namespace weft::tools {

namespace {

/// 0 when the connect under way has succeeded, else its errno.
int connect_outcome(int fd) {
  int error = 0;
  socklen_t size = sizeof error;
  return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

/// 0 and the socket, or the errno that stopped it (ETIMEDOUT when the time was up).
int connect_one(const sockaddr_storage& target, steady_clock::time_point until, unique_fd& connected) {
  unique_fd fd = start_connect(target);
  if (!fd) return errno;
  if (!wait_ready(fd.get(), POLLOUT, until)) return ETIMEDOUT;
  if (int error = connect_outcome(fd.get())) return error;
  connected = std::move(fd);
  return 0;
}

}  // namespace

void unique_fd::reset() noexcept {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

std::expected<std::vector<sockaddr_storage>, std::string> resolve(const host_port& address) {
  auto found = resolve_host(address);
  if (found) return found;
  return std::unexpected(
      fmt::format("cannot resolve {}; check the spelling and the name service", found.error()));
}

std::expected<unique_fd, std::string> connect_tcp(const host_port& address, steady_clock::time_point until) {
  auto targets = resolve(address);
  if (!targets) return std::unexpected(targets.error());
  int error = ETIMEDOUT;
  std::size_t left = targets->size();
  for (const sockaddr_storage& target : *targets) {
    // An address that never answers must leave time for the ones after it.
    auto now = steady_clock::now();
    auto share = now + (until - now) / left--;
    unique_fd fd;
    error = connect_one(target, share, fd);
    if (error == 0) return fd;
  }
  return std::unexpected(fmt::format("cannot connect to {}: {}; check that a node listens there",
                                     format_host_port(address), error_text(error)));
}

unique_fd start_connect(const sockaddr_storage& target, const sockaddr_storage* source) {
  unique_fd fd(::socket(target.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return fd;
  int on = 1;
  ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (source != nullptr) {
    // Leaves the choice of the port to connect(2), which may reuse a port towards another destination.
    ::setsockopt(fd.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(source), length_of(*source)) != 0) return {};
  }
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&target), length_of(target)) == 0 ||
      errno == EINPROGRESS)
    return fd;
  return {};
}

bool wait_ready(int fd, short events, steady_clock::time_point until) {
  for (;;) {
    auto left = std::chrono::nanoseconds(until - steady_clock::now()).count();
    if (left <= 0) return false;
    timespec timeout{left / 1'000'000'000, left % 1'000'000'000};
    pollfd entry{fd, events, 0};
    int ready = ::ppoll(&entry, 1, &timeout, nullptr);
    if (ready > 0) return steady_clock::now() < until;
    if (ready < 0 && errno != EINTR) return true;
  }
}

std::string error_text(int error_number) {
  return std::system_category().message(error_number);
}

}  // namespace weft::tools
