// A reactor: one thread that waits for sockets and timers and runs the actors pinned to it.
//
// It is a CAF execution unit, so a pinned actor is an ordinary CAF actor whose mailbox is served here, and a
// coroutine executor, so that coroutines resume here. Readiness is level-triggered epoll without Asio: Asio's
// edge-triggered reads cost one system call more per request (docs/performance/notes.md has the figures).
//
// Thread safety: `exec_later`, `stop` and `metrics` may be used from any thread, everything else only from
// the reactor's own thread (`on_this_thread`), or before `run`.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

#include <caf/execution_unit.hpp>
#include <caf/resumable.hpp>
#include <sys/epoll.h>

#include "actors/config/options.hpp"
#include "actors/coro/executor.hpp"
#include "actors/coro/timer_wheel.hpp"
#include "actors/runtime/idle_polling.hpp"
#include "actors/runtime/metrics.hpp"

namespace weft {

/// Something with a descriptor that a reactor watches. The owner removes it before it dies.
class event_handler {
 public:
  virtual void on_events(std::uint32_t epoll_mask) = 0;

 protected:
  ~event_handler() = default;
};

class reactor final : public caf::execution_unit, public coro::executor {
 public:
  /// Throws std::system_error when the kernel refuses an epoll or event descriptor.
  reactor(caf::actor_system& system, std::size_t index, const reactor_options& options = {});
  ~reactor() override;

  std::size_t index() const noexcept { return index_; }
  bool on_this_thread() const noexcept;

  /// Serves until `stop`.
  void run();
  void stop() noexcept;
  /// How long its loop has not turned, from any thread: an idle one is woken and given `patience` to show
  /// that it lives.
  std::chrono::nanoseconds stalled_for(std::chrono::milliseconds patience) noexcept;

  // -- caf::execution_unit
  void exec_later(caf::resumable* job) override;

  // -- coro::executor
  /// Sampled once per turn of the loop.
  coro::clock::time_point now() const noexcept override { return now_; }
  void post(std::coroutine_handle<> handle) override { posted_.push_back(handle); }
  void unpost(std::coroutine_handle<> handle) noexcept override;

  // -- descriptors
  void watch(int descriptor, std::uint32_t epoll_mask, event_handler& handler);
  void change(int descriptor, std::uint32_t epoll_mask, event_handler& handler);
  /// Call before the descriptor is closed; no event for `handler` is delivered afterwards.
  void unwatch(int descriptor, event_handler& handler) noexcept;

  /// Scratch space that one connection at a time reads into. Whoever needs bytes for longer copies them
  /// before it returns to the loop.
  char* read_buffer() noexcept { return read_buffer_.get(); }
  static constexpr std::size_t read_buffer_bytes = std::size_t{256} * 1024;

  weft::metrics& metrics() noexcept { return metrics_; }

 private:
  void insert(coro::timer& t) override { wheel_.insert(t); }
  void remove(coro::timer& t) noexcept override { wheel_.remove(t); }

  int wait_milliseconds() const;
  int take_events(int milliseconds) noexcept;
  int wait();
  int poll();
  void note_poll(idle_polling::result what, coro::clock::duration took) noexcept;
  void dispatch(int count);
  void run_ready();
  void run_job(caf::resumable* job);
  void take_remote_jobs();
  void wake() noexcept;

  std::size_t index_;
  int epoll_ = -1;
  int wakeup_ = -1;
  coro::clock::time_point now_;
  /// The end of the last turn.
  coro::clock::time_point idle_since_;
  idle_polling polling_;
  coro::timer_wheel wheel_;
  std::vector<caf::resumable*> ready_;
  std::vector<caf::resumable*> running_;
  std::deque<std::coroutine_handle<>> posted_;
  std::array<epoll_event, 256> events_{};
  int pending_events_ = 0;
  std::unique_ptr<char[]> read_buffer_;
  std::atomic<bool> stopping_{false};
  /// Of the last turn, since the clock's epoch.
  std::atomic<std::int64_t> turned_at_ns_{coro::clock::now().time_since_epoch().count()};

  std::mutex remote_mutex_;
  std::vector<caf::resumable*> remote_;
  std::vector<caf::resumable*> remote_taken_;
  std::atomic<bool> wake_pending_{false};

  weft::metrics metrics_;
};

}  // namespace weft
