// event: a flag that any number of coroutines wait for; it can be set and cleared again and again. (What
// happens once, has a value and is waited for by one is a completion.)
//
//     event ready;                                       // lives in the actor's state
//     if (!co_await ready.wait(ctx)) co_return;          // std::expected<void, cancel_reason>
//
// set() releases all who wait, in the order in which they came, even when it is cleared before they run. An
// event that is set wins over a cancellation.
//
// Ownership: event, waiting frames and contexts may be destroyed in any order. An event that dies leaves its
// waiters to their contexts. Waiting does not allocate.
//
// Thread safety: none; belongs to one actor.
#pragma once

#include <coroutine>
#include <expected>
#include <utility>

#include "actors/coro/suspension.hpp"

namespace weft::coro {

class event {
 public:
  class waiting;

  event() = default;
  event(const event&) = delete;
  event& operator=(const event&) = delete;
  ~event() = default;

  bool is_set() const noexcept { return set_; }
  inline void set();
  void clear() noexcept { set_ = false; }

  /// Awaited once.
  inline waiting wait(cancel_scope ctx);

 private:
  class waiter : public list_node {
   protected:
    waiter() = default;
    ~waiter() = default;
    /// The event was set: posts the coroutine.
    virtual void notify() = 0;
    bool released_ = false;

   private:
    friend event;
  };

  bool set_ = false;
  intrusive_list<waiter> waiters_;
};

class [[nodiscard("a wait does nothing until it is awaited")]] event::waiting final : private suspension,
                                                                                      private waiter {
 public:
  bool await_ready() noexcept { return released_ = event_->set_; }
  bool await_suspend(std::coroutine_handle<> suspended) {
    if (!suspend(suspended)) return false;
    event_->waiters_.push_back(*this);
    return true;
  }
  std::expected<void, cancel_reason> await_resume() noexcept {
    resumed();
    waiter::unlink();
    if (!released_) return std::unexpected(*reason());
    return {};
  }

 private:
  friend event;
  waiting(event& of, cancel_scope ctx) noexcept : suspension(std::move(ctx)), event_(&of) {}
  void notify() override { wake(); }

  event* event_;
};

inline void event::set() {
  set_ = true;
  while (waiter* const first = waiters_.pop_front()) {
    first->released_ = true;
    first->notify();
  }
}

inline event::waiting event::wait(cancel_scope ctx) {
  return {*this, std::move(ctx)};
}

}  // namespace weft::coro
