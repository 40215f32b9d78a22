// A reactor: one thread that waits for sockets and timers and runs the actors pinned to it.
//
// It is a CAF execution unit, so a pinned actor is an ordinary CAF actor whose mailbox is served here, and a
// coroutine executor, so that coroutines resume here.
//
// Thread safety: `exec_later`, `stop` and `metrics` may be used from any thread, everything else only from
// the reactor's own thread (`on_this_thread`), or before `run`.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>

#include <caf/execution_unit.hpp>
#include <caf/resumable.hpp>

#include "actors/config/options.hpp"
#include "actors/coro/executor.hpp"
#include "actors/coro/timer_wheel.hpp"
#include "actors/runtime/idle_polling.hpp"
#include "actors/runtime/metrics.hpp"
#include "actors/runtime/ready_queue.hpp"
#include "actors/runtime/remote_jobs.hpp"
#include "actors/runtime/turn_queue.hpp"
#include "actors/runtime/watched_descriptors.hpp"

namespace weft {

class reactor final : public caf::execution_unit, public coro::executor {
 public:
  /// Throws std::system_error when the kernel refuses a descriptor.
  reactor(caf::actor_system& system, std::size_t index, const reactor_options& options = {});
  ~reactor() override;

  std::size_t index() const noexcept { return index_; }
  bool on_this_thread() const noexcept { return current_ == this; }

  /// Serves until `stop`.
  void run();
  void stop() noexcept;
  /// How long its loop has not turned, from any thread: an idle one is woken and given `timeout` to show
  /// that it lives.
  std::chrono::nanoseconds stalled_for(std::chrono::milliseconds timeout) noexcept;

  // -- caf::execution_unit
  void exec_later(caf::resumable* job) override {
    if (!on_this_thread()) return remote_.push(job);
    ready_.push(job);
  }

  // -- coro::executor
  /// Sampled once per turn of the loop.
  coro::clock::time_point now() const noexcept override { return now_; }
  void post(std::coroutine_handle<> handle) override { ready_.push(handle); }
  void unpost(std::coroutine_handle<> handle) noexcept override { ready_.take_back(handle); }

  /// The descriptors whose events are handled here.
  watched_descriptors& descriptors() noexcept { return descriptors_; }

  /// Whoever takes long: one of them is served in each turn of the loop.
  turn_queue& turns() noexcept { return turns_; }
  coro::clock::duration slice() const noexcept { return slice_; }
  /// Jobs and coroutines that are ready now.
  std::size_t ready() const noexcept { return ready_.size(); }

  /// Scratch space that one connection at a time reads into. Whoever needs bytes for longer copies them
  /// before it returns to the loop.
  char* read_buffer() noexcept { return read_buffer_.get(); }
  static constexpr std::size_t read_buffer_bytes = std::size_t{256} * 1024;

  weft::metrics& metrics() noexcept { return metrics_; }

 private:
  void insert(coro::timer& t) override { wheel_.insert(t); }
  void remove(coro::timer& t) noexcept override { wheel_.remove(t); }

  int wait_milliseconds(coro::clock::time_point now) const;
  int wait();
  int poll();
  void note_poll(idle_polling::result what, coro::clock::duration took) noexcept;
  void dispatch(int count);

  /// The reactor that runs on this thread.
  static constinit inline thread_local const reactor* current_ = nullptr;

  // Jobs that are never run may hold the last reference to their actors: what those refer to outlives them.
  std::size_t index_;
  weft::metrics metrics_;
  coro::clock::time_point now_;
  /// The end of the last turn.
  coro::clock::time_point idle_since_;
  idle_polling polling_;
  coro::timer_wheel wheel_;
  std::unique_ptr<char[]> read_buffer_;
  std::atomic<bool> stopping_{false};
  /// The beginning of the last turn, since the clock's epoch.
  std::atomic<std::int64_t> turned_at_ns_{coro::clock::now().time_since_epoch().count()};
  watched_descriptors descriptors_;
  remote_jobs remote_;
  ready_queue ready_;
  turn_queue turns_;
  coro::clock::duration slice_;
};

}  // namespace weft
