#include "actors/runtime/reactor.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <thread>
#include <utility>

#include <caf/actor_system.hpp>
#include <sched.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace weft {
namespace {

thread_local const reactor* current_reactor = nullptr;

// Actors that keep waking each other must not keep the loop from its sockets.
constexpr int max_ready_rounds = 64;

// While polling: others that want this core get it so often, and that they did shows in a look at the
// descriptors that took longer than it can by itself.
constexpr std::chrono::microseconds yield_interval{10};
constexpr std::chrono::microseconds longest_look{5};

[[noreturn]] void fail(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

reactor::reactor(caf::actor_system& system, std::size_t index, const reactor_options& options)
    : caf::execution_unit(&system),
      index_(index),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      wakeup_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      now_(coro::clock::now()),
      idle_since_(now_),
      polling_(options.poll_window),
      wheel_(now_),
      read_buffer_(std::make_unique_for_overwrite<char[]>(read_buffer_bytes)) {
  if (epoll_ < 0) fail("epoll_create1");
  if (wakeup_ < 0) fail("eventfd");
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = nullptr;
  if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, wakeup_, &event) != 0) fail("epoll_ctl");
}

reactor::~reactor() {
  for (auto* job : ready_) job->intrusive_ptr_release_impl();
  for (auto* job : remote_) job->intrusive_ptr_release_impl();
  ::close(wakeup_);
  ::close(epoll_);
}

bool reactor::on_this_thread() const noexcept {
  return current_reactor == this;
}

void reactor::exec_later(caf::resumable* job) {
  if (on_this_thread()) {
    ready_.push_back(job);
    return;
  }
  {
    const std::lock_guard lock(remote_mutex_);
    remote_.push_back(job);
  }
  wake();
}

void reactor::wake() noexcept {
  // One write per burst: whoever finds the flag set knows that a wake-up is already on its way.
  if (wake_pending_.exchange(true, std::memory_order_acq_rel)) return;
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(wakeup_, &one, sizeof one);
}

void reactor::stop() noexcept {
  stopping_.store(true, std::memory_order_release);
  wake();
}

void reactor::unpost(std::coroutine_handle<> handle) noexcept {
  std::erase(posted_, handle);
}

void reactor::watch(int descriptor, std::uint32_t epoll_mask, event_handler& handler) {
  epoll_event event{};
  event.events = epoll_mask;
  event.data.ptr = &handler;
  if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, descriptor, &event) != 0) fail("epoll_ctl");
}

void reactor::change(int descriptor, std::uint32_t epoll_mask, event_handler& handler) {
  epoll_event event{};
  event.events = epoll_mask;
  event.data.ptr = &handler;
  ::epoll_ctl(epoll_, EPOLL_CTL_MOD, descriptor, &event);
}

void reactor::unwatch(int descriptor, event_handler& handler) noexcept {
  ::epoll_ctl(epoll_, EPOLL_CTL_DEL, descriptor, nullptr);
  for (int i = 0; i < pending_events_; ++i) {
    auto& event = events_[static_cast<std::size_t>(i)];
    if (event.data.ptr == &handler) event.events = 0;
  }
}

int reactor::wait_milliseconds() const {
  if (!ready_.empty() || !posted_.empty()) return 0;
  const auto due = wheel_.next_due();
  if (!due) return -1;
  const auto wait = std::chrono::ceil<std::chrono::milliseconds>(*due - coro::clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(wait, 0, 60'000));
}

int reactor::take_events(int milliseconds) noexcept {
  return ::epoll_wait(epoll_, events_.data(), static_cast<int>(events_.size()), milliseconds);
}

/// Sets `now_`, too.
int reactor::wait() {
  const bool poll_first = polling_.pays() && ready_.empty() && posted_.empty();
  int count = poll_first ? poll() : 0;
  if (count == 0) count = take_events(wait_milliseconds());
  now_ = coro::clock::now();
  if (!poll_first) polling_.slept(now_ - idle_since_);
  return count;
}

/// As `take_events`, but 0 may also mean that sleeping is better now.
int reactor::poll() {
  int count = take_events(0);
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
    count = take_events(0);
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

std::chrono::nanoseconds reactor::stalled_for(std::chrono::milliseconds patience) noexcept {
  constexpr std::chrono::milliseconds between_looks{1};
  const auto seen = turned_at_ns_.load(std::memory_order_relaxed);
  const auto asked = std::chrono::steady_clock::now();
  wake();
  while (std::chrono::steady_clock::now() - asked < patience) {
    if (turned_at_ns_.load(std::memory_order_relaxed) != seen) return {};
    std::this_thread::sleep_for(between_looks);
  }
  return std::chrono::nanoseconds(coro::clock::now().time_since_epoch().count() - seen);
}

void reactor::run() {
  current_reactor = this;
  idle_since_ = coro::clock::now();
  while (!stopping_.load(std::memory_order_acquire)) {
    const int count = wait();
    const auto began = now_;
    turned_at_ns_.store(began.time_since_epoch().count(), std::memory_order_relaxed);
    metrics_.add(metric::reactor_wakeups);
    metrics_.set(metric::reactor_queue, static_cast<std::int64_t>(ready_.size() + posted_.size()));
    run_ready();
    dispatch(count);
    wheel_.advance(now_, [this](coro::timer& t) {
      expire(t);
      run_ready();
    });
    metrics_.set(metric::timers_armed, static_cast<std::int64_t>(wheel_.size()));
    idle_since_ = coro::clock::now();
    const auto took = (idle_since_ - began).count();
    metrics_.add(metric::reactor_busy_ns, took);
    if (took > metrics_.get(metric::reactor_turn_max_ns)) metrics_.set(metric::reactor_turn_max_ns, took);
  }
  current_reactor = nullptr;
}

void reactor::dispatch(int count) {
  pending_events_ = count;
  for (int i = 0; i < count; ++i) {
    auto& event = events_[static_cast<std::size_t>(i)];
    if (event.data.ptr == nullptr) {
      take_remote_jobs();
    } else if (event.events != 0) {
      static_cast<event_handler*>(event.data.ptr)->on_events(event.events);
    }
    // To completion per event: what a read delivered is routed, handled and answered while it is in the
    // cache, and before the next connection reuses the read buffer.
    run_ready();
  }
  pending_events_ = 0;
}

void reactor::run_ready() {
  for (int round = 0; round < max_ready_rounds && (!ready_.empty() || !posted_.empty()); ++round) {
    running_.swap(ready_);
    for (auto* job : running_) run_job(job);
    running_.clear();
    for (auto n = posted_.size(); n > 0 && !posted_.empty(); --n) {
      const auto handle = posted_.front();
      posted_.pop_front();
      handle.resume();
    }
  }
}

void reactor::run_job(caf::resumable* job) {
  switch (job->resume(this, 1024)) {
    case caf::resumable::resume_later:
      ready_.push_back(job);
      break;
    default:
      job->intrusive_ptr_release_impl();
  }
}

void reactor::take_remote_jobs() {
  std::uint64_t count = 0;
  [[maybe_unused]] const auto got = ::read(wakeup_, &count, sizeof count);
  // Cleared before the queue is taken: a job that comes after this wakes the loop again.
  wake_pending_.store(false, std::memory_order_release);
  metrics_.add(metric::reactor_remote_wakeups);
  {
    const std::lock_guard lock(remote_mutex_);
    remote_taken_.swap(remote_);
  }
  ready_.insert(ready_.end(), remote_taken_.begin(), remote_taken_.end());
  remote_taken_.clear();
}

}  // namespace weft
