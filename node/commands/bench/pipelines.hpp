// The connections of a load generator and the epoll instance that waits for them: one send and one receive
// per wake-up of a connection.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include <sys/epoll.h>

#include "node/client/socket.hpp"
#include "node/commands/bench/pipeline.hpp"

namespace weft::tools {

class pipelines {
 public:
  /// `slots` for each connection.
  pipelines(std::vector<unique_fd> sockets, std::size_t slots);

  std::size_t size() const noexcept { return lines_.size(); }
  /// Those that are not lost.
  std::size_t live() const noexcept { return live_; }
  pipeline& operator[](std::size_t index) noexcept { return lines_[index]; }
  auto begin() const noexcept { return lines_.begin(); }
  auto end() const noexcept { return lines_.end(); }

  /// Waits once, at most so long; `on_input(index)` for what can be read. Sends what a socket had no room
  /// for, and calls `on_lost(index, reason)` where that fails.
  template <class OnInput, class OnLost>
  void turn(std::int64_t timeout_ns, OnInput&& on_input, OnLost&& on_lost) {
    std::array<epoll_event, events_at_once> events;
    int ready = wait(events, timeout_ns);
    for (int i = 0; i < ready; ++i) {
      std::size_t index = events[i].data.u32;
      if ((events[i].events & EPOLLOUT) != 0) {
        if (std::string lost = unblock(index); !lost.empty()) on_lost(index, lost);
      }
      if ((events[i].events & ~EPOLLOUT) != 0 && lines_[index].open()) on_input(index);
    }
  }

  /// Sends what the connection's output holds. Returns why the connection is lost, empty when it is not.
  std::string flush(std::size_t index);
  /// Closes it; without slots it is never chosen again.
  void lose(std::size_t index);

 private:
  static constexpr std::size_t events_at_once = 512;

  int wait(std::array<epoll_event, events_at_once>& events, std::int64_t timeout_ns);
  void watch(int operation, std::size_t index, std::uint32_t events);
  std::string unblock(std::size_t index);

  unique_fd epoll_;
  std::vector<pipeline> lines_;
  std::size_t live_;
};

}  // namespace weft::tools
