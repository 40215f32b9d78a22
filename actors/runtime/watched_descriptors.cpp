#include "actors/runtime/watched_descriptors.hpp"

#include <cerrno>
#include <system_error>

#include <unistd.h>

namespace weft {
namespace {

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

epoll_event event_for(std::uint32_t epoll_mask, event_handler* handler) {
  epoll_event event{};
  event.events = epoll_mask;
  event.data.ptr = handler;
  return event;
}

}  // namespace

watched_descriptors::watched_descriptors() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (epoll_ < 0) fail("epoll_create1");
}

watched_descriptors::~watched_descriptors() {
  ::close(epoll_);
}

void watched_descriptors::add(int descriptor, std::uint32_t epoll_mask, event_handler* handler) {
  auto event = event_for(epoll_mask, handler);
  if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) != 0) fail("epoll_ctl");
}

void watched_descriptors::change(int descriptor, std::uint32_t epoll_mask, event_handler& handler) noexcept {
  auto event = event_for(epoll_mask, &handler);
  ::epoll_ctl(epoll_, EPOLL_CTL_MOD, descriptor, &event);
}

void watched_descriptors::remove(int descriptor, event_handler& handler) noexcept {
  ::epoll_ctl(epoll_, EPOLL_CTL_DEL, descriptor, nullptr);
  for (int i = 0; i < pending_; ++i) {
    auto& event = events_[static_cast<std::size_t>(i)];
    if (event.data.ptr == &handler) event.events = 0;
  }
}

}  // namespace weft
