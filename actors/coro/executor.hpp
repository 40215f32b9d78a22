// Where the coroutines of one actor run: its clock, its timers, its ready queue.
//
// Everything here belongs to one actor and is used from that actor's own context only; there is no locking.
#pragma once

#include <chrono>
#include <coroutine>
#include <cstdint>

namespace weft::coro {

using clock = std::chrono::steady_clock;

/// A timer that is armed with an executor. Owned by whoever waits; destroying an armed timer disarms it.
/// The links and `slot` belong to the executor.
class timer {
 public:
  timer() = default;
  timer(const timer&) = delete;
  timer& operator=(const timer&) = delete;

  bool armed() const noexcept { return owner_ != nullptr; }
  clock::time_point due() const noexcept { return due_; }

 protected:
  ~timer();
  /// Called once, on the actor's own context, when the time has come. The timer is no longer armed then, so
  /// the callback may arm it again or destroy it.
  virtual void on_expiry() = 0;

 private:
  friend class executor;
  friend class timer_wheel;
  class executor* owner_ = nullptr;
  clock::time_point due_;
  timer* previous_ = nullptr;
  timer* next_ = nullptr;
  std::uint64_t slot_ = 0;
};

class executor {
 public:
  executor() = default;
  executor(const executor&) = delete;
  executor& operator=(const executor&) = delete;

  virtual clock::time_point now() const noexcept = 0;

  /// Resumes `handle` later on the actor's context, never from inside this call. Whoever destroys a posted
  /// coroutine first takes it back with `unpost`.
  virtual void post(std::coroutine_handle<> handle) = 0;
  virtual void unpost(std::coroutine_handle<> handle) noexcept = 0;

  /// Arms `t`, replacing an earlier arming. A time in the past fires at the next chance, not from inside this
  /// call.
  void arm(timer& t, clock::time_point due) {
    if (t.owner_ != nullptr) t.owner_->disarm(t);
    t.owner_ = this;
    t.due_ = due;
    insert(t);
  }
  void disarm(timer& t) noexcept {
    if (t.owner_ == nullptr) return;
    remove(t);
    t.owner_ = nullptr;
  }

 protected:
  ~executor() = default;
  virtual void insert(timer& t) = 0;
  virtual void remove(timer& t) noexcept = 0;
  /// For implementations: marks `t` as no longer armed and calls it.
  static void expire(timer& t) {
    t.owner_ = nullptr;
    t.on_expiry();
  }
};

inline timer::~timer() {
  if (owner_ != nullptr) owner_->disarm(*this);
}

}  // namespace weft::coro
