#include "node/commands/bench/pipelines.hpp"

#include <algorithm>
#include <cerrno>

#include <sys/socket.h>

#include "node/commands/bench/load_clock.hpp"

namespace weft::tools {

pipelines::pipelines(std::vector<unique_fd> sockets, std::size_t slots)
    : epoll_(::epoll_create1(EPOLL_CLOEXEC)), live_(sockets.size()) {
  lines_.reserve(sockets.size());
  for (unique_fd& socket : sockets) {
    lines_.emplace_back(std::move(socket), slots);
    watch(EPOLL_CTL_ADD, lines_.size() - 1, EPOLLIN);
  }
}

/// With the precision of nanoseconds where the kernel can.
int pipelines::wait(std::array<epoll_event, events_at_once>& events, std::int64_t timeout_ns) {
  timeout_ns = std::max<std::int64_t>(timeout_ns, 0);
  timespec timeout{timeout_ns / second_ns, timeout_ns % second_ns};
  int ready = ::epoll_pwait2(epoll_.get(), events.data(), events_at_once, &timeout, nullptr);
  if (ready >= 0 || errno != ENOSYS) return ready;
  // Rounded down: spinning for less than a millisecond is better than sending late.
  return ::epoll_wait(epoll_.get(), events.data(), events_at_once, static_cast<int>(timeout_ns / 1'000'000));
}

void pipelines::watch(int operation, std::size_t index, std::uint32_t events) {
  epoll_event event{.events = events, .data = {.u32 = static_cast<std::uint32_t>(index)}};
  ::epoll_ctl(epoll_.get(), operation, lines_[index].fd(), &event);
}

std::string pipelines::flush(std::size_t index) {
  pipeline& line = lines_[index];
  if (line.blocked || line.output.empty()) return {};
  ssize_t sent = ::send(line.fd(), line.output.data(), line.output.size(), MSG_NOSIGNAL);
  if (sent == static_cast<ssize_t>(line.output.size())) {
    line.output.clear();
    return {};
  }
  if (sent < 0 && errno != EAGAIN && errno != EINTR) return error_text(errno);
  line.output.erase(0, sent < 0 ? 0 : static_cast<std::size_t>(sent));
  line.blocked = true;
  watch(EPOLL_CTL_MOD, index, EPOLLIN | EPOLLOUT);
  return {};
}

std::string pipelines::unblock(std::size_t index) {
  lines_[index].blocked = false;
  watch(EPOLL_CTL_MOD, index, EPOLLIN);
  return flush(index);
}

void pipelines::lose(std::size_t index) {
  lines_[index] = pipeline(unique_fd(), 0);
  --live_;
}

}  // namespace weft::tools
