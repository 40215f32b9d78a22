// semaphore: so many coroutines at once, the others wait in the order in which they came.
//
//     semaphore three(3);                                   // lives in the actor's state
//     const auto permit = co_await three.acquire(ctx);      // std::expected<semaphore::permit,
//     cancel_reason> if (!permit) co_return; co_await work(ctx);                                   // the
//     permit is given back by its destructor
//
// A permit may be held across co_await, moved, and given back early by destroying it. It goes directly to the
// one who waits longest: nobody overtakes. A permit that is there wins over a cancellation.
//
// Ownership: semaphore, permits, waiting frames and contexts may be destroyed in any order. A semaphore that
// dies leaves its waiters to their contexts. Waiting does not allocate.
//
// Thread safety: none; belongs to one actor.
#pragma once

#include <coroutine>
#include <cstddef>
#include <expected>
#include <optional>
#include <utility>

#include "actors/coro/suspension.hpp"

namespace weft::coro {

class semaphore {
 public:
  class permit;
  class acquiring;

  explicit semaphore(std::size_t permits) noexcept : available_(permits) {}
  semaphore(const semaphore&) = delete;
  semaphore& operator=(const semaphore&) = delete;
  ~semaphore() = default;

  /// Awaited once: yields the permit, or why `ctx` was cancelled before there was one.
  acquiring acquire(cancel_scope ctx);
  std::optional<permit> try_acquire() noexcept;
  std::size_t available() const noexcept { return available_; }

 private:
  class waiter;

  inline void give_back();

  std::size_t available_;
  intrusive_list<waiter> waiters_;
  intrusive_list<permit> held_;
};

/// One of a semaphore's permits; gives it back when it dies.
class [[nodiscard("a permit that is dropped is given back at once")]] semaphore::permit final
    : public list_node {
 public:
  permit(permit&& other) noexcept : from_(other.from_) {
    if (!other.linked()) return;
    other.unlink();
    from_->held_.push_back(*this);
  }
  permit& operator=(permit&&) = delete;
  ~permit() {
    if (linked()) from_->give_back();
  }

 private:
  friend semaphore;
  explicit permit(semaphore& from) noexcept : from_(&from) { from.held_.push_back(*this); }

  /// Alive while this is linked.
  semaphore* from_;
};

class semaphore::waiter : public list_node {
 protected:
  waiter() = default;
  ~waiter() = default;
  /// There is a permit: posts the coroutine.
  virtual void notify() = 0;

  std::optional<permit> permit_;

 private:
  friend semaphore;
};

class [[nodiscard("an acquire does nothing until it is awaited")]] semaphore::acquiring final
    : private suspension,
      private waiter {
 public:
  bool await_ready() noexcept {
    if (from_->available_ == 0) return false;
    --from_->available_;
    permit_.emplace(permit(*from_));
    return true;
  }
  bool await_suspend(std::coroutine_handle<> waiting) {
    if (!suspend(waiting)) return false;
    from_->waiters_.push_back(*this);
    return true;
  }
  std::expected<permit, cancel_reason> await_resume() noexcept {
    resumed();
    waiter::unlink();
    if (!permit_) return std::unexpected(*reason());
    return std::move(*permit_);
  }

 private:
  friend semaphore;
  acquiring(semaphore& from, cancel_scope ctx) noexcept : suspension(std::move(ctx)), from_(&from) {}
  void notify() override { wake(); }

  semaphore* from_;
};

inline semaphore::acquiring semaphore::acquire(cancel_scope ctx) {
  return {*this, std::move(ctx)};
}

inline std::optional<semaphore::permit> semaphore::try_acquire() noexcept {
  if (available_ == 0) return std::nullopt;
  --available_;
  return permit(*this);
}

inline void semaphore::give_back() {
  waiter* const next = waiters_.pop_front();
  if (next == nullptr) {
    ++available_;
    return;
  }
  next->permit_.emplace(permit(*this));
  next->notify();
}

}  // namespace weft::coro
