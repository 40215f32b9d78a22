// The descriptors that a reactor watches: an epoll set, level-triggered, without Asio, whose edge-triggered
// reads cost one system call more per request (docs/performance/notes.md has the figures).
//
// Ownership: none of the descriptors and handlers. Thread safety: none; belongs to its reactor.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include <sys/epoll.h>

namespace weft {

/// Something with a descriptor that is watched. The owner removes it before it dies.
class event_handler {
 public:
  virtual void on_events(std::uint32_t epoll_mask) = 0;
  /// It has waited for its turn (turn_queue.hpp).
  virtual void on_turn() {}

 protected:
  ~event_handler() = default;
};

class watched_descriptors {
 public:
  /// Throws std::system_error when the kernel refuses an epoll descriptor.
  watched_descriptors();
  ~watched_descriptors();
  watched_descriptors(const watched_descriptors&) = delete;
  watched_descriptors& operator=(const watched_descriptors&) = delete;

  /// Both throw std::system_error when the kernel refuses.
  void add(int descriptor, std::uint32_t epoll_mask, event_handler& handler) {
    add(descriptor, epoll_mask, &handler);
  }
  /// One whose input is delivered without a handler.
  void add_wake_up(int descriptor) { add(descriptor, EPOLLIN, nullptr); }
  void change(int descriptor, std::uint32_t epoll_mask, event_handler& handler) noexcept;
  /// Call before the descriptor is closed; no event for `handler` is delivered afterwards.
  void remove(int descriptor, event_handler& handler) noexcept;

  /// Waits for events, and says how many there are; -1 milliseconds: for ever.
  int wait(int milliseconds) noexcept {
    return ::epoll_wait(epoll_, events_.data(), static_cast<int>(events_.size()), milliseconds);
  }
  /// Hands `count` events to `visit(event_handler*, mask)`, leaving out handlers that are removed meanwhile.
  template <class Visit>
  void deliver(int count, Visit&& visit) {
    pending_ = count;
    for (int i = 0; i < count; ++i) {
      const auto& event = events_[static_cast<std::size_t>(i)];
      if (event.events != 0) visit(static_cast<event_handler*>(event.data.ptr), event.events);
    }
    pending_ = 0;
  }

 private:
  void add(int descriptor, std::uint32_t epoll_mask, event_handler* handler);

  int epoll_;
  std::array<epoll_event, 256> events_{};
  int pending_ = 0;
};

}  // namespace weft
