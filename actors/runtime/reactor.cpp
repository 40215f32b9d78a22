#include "actors/runtime/reactor.hpp"

#include <algorithm>
#include <thread>
#include <utility>

#include <caf/actor_system.hpp>
#include <sched.h>

namespace weft {
namespace {

// While polling: others that want this core get it so often, and that they did shows in a look at the
// descriptors that took longer than it can by itself.
constexpr std::chrono::microseconds yield_interval{10};
constexpr std::chrono::microseconds longest_look{5};

}  // namespace

reactor::reactor(caf::actor_system& system, std::size_t index, const reactor_options& options)
    : caf::execution_unit(&system),
      index_(index),
      now_(coro::clock::now()),
      idle_since_(now_),
      polling_(options.poll_window),
      wheel_(now_),
      read_buffer_(std::make_unique_for_overwrite<char[]>(read_buffer_bytes)),
      slice_(options.slice) {
  descriptors_.add_wake_up(remote_.descriptor());
}

reactor::~reactor() = default;

void reactor::stop() noexcept {
  stopping_.store(true, std::memory_order_release);
  remote_.wake();
}

int reactor::wait_milliseconds(coro::clock::time_point now) const {
  if (!ready_.empty() || !turns_.empty()) return 0;
  const auto due = wheel_.next_due();
  if (!due) return -1;
  const auto wait = std::chrono::ceil<std::chrono::milliseconds>(*due - now).count();
  return static_cast<int>(std::clamp<std::int64_t>(wait, 0, 60'000));
}

/// Sets `now_`, too.
int reactor::wait() {
  const bool poll_first = polling_.pays() && ready_.empty() && turns_.empty();
  int count = poll_first ? poll() : 0;
  if (count == 0) count = descriptors_.wait(wait_milliseconds(poll_first ? coro::clock::now() : idle_since_));
  now_ = coro::clock::now();
  if (!poll_first) polling_.slept(now_ - idle_since_);
  return count;
}

/// Looks without sleeping; 0 may also mean that sleeping is better now.
int reactor::poll() {
  int count = descriptors_.wait(0);
  if (count != 0) return count;
  const auto began = coro::clock::now();
  const auto until = idle_since_ + polling_.window();
  const auto due = wheel_.next_due();
  auto looked = began;
  auto yield_at = began;
  while (count == 0 && looked < until) {
    if (due && *due <= looked) {
      metrics_.add(metric::reactor_poll_ns, (looked - began).count());
      return 0;
    }
    if (looked >= yield_at) {
      ::sched_yield();
      yield_at = looked + yield_interval;
    }
    count = descriptors_.wait(0);
    const auto before = std::exchange(looked, coro::clock::now());
    if (looked - before > longest_look) {
      note_poll(idle_polling::result::crowded, looked - began);
      return count;
    }
  }
  note_poll(count != 0 ? idle_polling::result::found : idle_polling::result::in_vain, looked - began);
  return count;
}

void reactor::note_poll(idle_polling::result what, coro::clock::duration took) noexcept {
  using enum idle_polling::result;
  polling_.polled(what);
  metrics_.add(what == found     ? metric::reactor_polls_found
               : what == in_vain ? metric::reactor_polls_in_vain
                                 : metric::reactor_polls_crowded);
  metrics_.add(metric::reactor_poll_ns, took.count());
}

std::chrono::nanoseconds reactor::stalled_for(std::chrono::milliseconds timeout) noexcept {
  constexpr std::chrono::milliseconds between_looks{1};
  const auto seen = turned_at_ns_.load(std::memory_order_relaxed);
  const auto asked = std::chrono::steady_clock::now();
  remote_.wake();
  while (std::chrono::steady_clock::now() - asked < timeout) {
    if (turned_at_ns_.load(std::memory_order_relaxed) != seen) return {};
    std::this_thread::sleep_for(between_looks);
  }
  return std::chrono::nanoseconds(coro::clock::now().time_since_epoch().count() - seen);
}

void reactor::run() {
  current_ = this;
  idle_since_ = coro::clock::now();
  while (!stopping_.load(std::memory_order_acquire)) {
    const int count = wait();
    const auto began = now_;
    turned_at_ns_.store(began.time_since_epoch().count(), std::memory_order_relaxed);
    metrics_.add(metric::reactor_wakeups);
    metrics_.set(metric::reactor_queue, static_cast<std::int64_t>(ready_.size()));
    ready_.begin_turn(2 * slice_);
    ready_.run(*this);
    dispatch(count);
    if (auto* const waited = turns_.take()) [[unlikely]] {
      waited->on_turn();
      ready_.run(*this);
    }
    wheel_.advance(now_, [this](coro::timer& t) {
      expire(t);
      ready_.run(*this);
    });
    metrics_.set(metric::timers_armed, static_cast<std::int64_t>(wheel_.size()));
    idle_since_ = coro::clock::now();
    const auto took = (idle_since_ - began).count();
    metrics_.add(metric::reactor_busy_ns, took);
    if (took > metrics_.get(metric::reactor_turn_max_ns)) metrics_.set(metric::reactor_turn_max_ns, took);
  }
  current_ = nullptr;
}

void reactor::dispatch(int count) {
  descriptors_.deliver(count, [this](event_handler* handler, std::uint32_t mask) {
    if (handler == nullptr) {
      metrics_.add(metric::reactor_remote_wakeups);
      remote_.move_to(ready_);
    } else {
      handler->on_events(mask);
    }
    // To completion per event: what a read delivered is routed, handled and answered
    // while it is in the cache, and before the next connection reuses the read buffer.
    ready_.run(*this);
  });
}

}  // namespace weft
