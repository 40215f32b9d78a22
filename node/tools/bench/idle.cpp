#include "node/tools/bench/idle.hpp"

#include <array>
#include <cerrno>

#include <sys/epoll.h>

#include "node/tools/bench/connections.hpp"

namespace weft::tools {

namespace {

/// Takes what a connection has to say; closes it when it has ended.
void receive(unique_fd& socket, idle_result& result) {
  std::array<char, 4096> chunk;
  ssize_t count = ::recv(socket.get(), chunk.data(), chunk.size(), 0);
  if (count > 0) {
    result.received_bytes += static_cast<std::uint64_t>(count);
  } else if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
    socket.reset();
    --result.still_open;
  }
}

}  // namespace

std::expected<idle_result, std::string> hold_connections(
    const bench_options& options, const std::function<void(const idle_result&)>& on_open) {
  auto started = steady_clock::now();
  auto sockets = open_connections(options.address, options.idle, options.source);
  if (!sockets) return std::unexpected(sockets.error());
  auto opened = steady_clock::now();
  idle_result result{
      .opened = sockets->size(), .still_open = sockets->size(), .connect_time = opened - started};

  unique_fd epoll(::epoll_create1(EPOLL_CLOEXEC));
  for (std::size_t index = 0; index < sockets->size(); ++index) {
    epoll_event event{.events = EPOLLIN, .data = {.u32 = static_cast<std::uint32_t>(index)}};
    ::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, (*sockets)[index].get(), &event);
  }
  on_open(result);
  auto until = opened + options.duration;
  for (auto now = opened; now < until && result.still_open > 0; now = steady_clock::now()) {
    std::array<epoll_event, 256> events;
    auto left = std::chrono::ceil<std::chrono::milliseconds>(until - now).count();
    int ready = ::epoll_wait(epoll.get(), events.data(), events.size(), static_cast<int>(left));
    for (int i = 0; i < ready; ++i) receive((*sockets)[events[i].data.u32], result);
  }
  result.held = steady_clock::now() - opened;
  return result;
}

}  // namespace weft::tools
