// A time limit for a task that was not given one.
//
//     std::expected<reply, cancel_reason> r = co_await timeout(ctx, 2s, ask(ctx));
//     std::expected<reply, cancel_reason> r = co_await with_deadline(ctx, noon, ask(ctx));
//
// When the time is up, or `ctx` is cancelled, before the task has finished, its frame is destroyed where it
// is suspended, and the reason is yielded. A task that heeds the same cancel scope is resumed first, and what
// it finishes with before it waits again wins. A task that should end by itself when its time is up is given
// `ctx.child(deadline)` instead and needs neither of these.
//
// Errors: an exception of the task is thrown again.
//
// Thread safety: none; belongs to the actor of `ctx`.
#pragma once

#include <coroutine>
#include <expected>
#include <optional>
#include <type_traits>
#include <utility>

#include "actors/coro/sleep.hpp"
#include "actors/coro/task.hpp"

namespace weft::coro {

namespace detail {

/// Awaited until the task that it started has finished; yields why it was not.
class timed_wait final : private suspension, private timer, private task_observer {
 public:
  timed_wait(cancel_scope ctx, clock::time_point due) noexcept : suspension(std::move(ctx)), due_(due) {}
  timed_wait(const timed_wait&) = delete;
  timed_wait& operator=(const timed_wait&) = delete;

  template <class T>
  void start(task<T>& work) {
    task_access::start(work, *this);
  }

  bool await_ready() const noexcept { return finished_; }
  bool await_suspend(std::coroutine_handle<> waiting) {
    if (!suspend(waiting)) return false;
    run().arm(*this, due_);
    return true;
  }
  std::optional<cancel_reason> await_resume() noexcept {
    resumed();
    run().disarm(*this);
    if (finished_) return std::nullopt;
    return reason().value_or(cancel_reason::deadline_exceeded);
  }

 private:
  void on_expiry() override { resume(); }
  std::coroutine_handle<> on_done(promise_base&) noexcept override {
    finished_ = true;
    wake();
    return std::noop_coroutine();
  }

  clock::time_point due_;
  bool finished_ = false;
};

}  // namespace detail

template <class T>
task<std::expected<T, cancel_reason>> with_deadline(cancel_scope ctx, clock::time_point due, task<T> work) {
  // Parameters live as long as the frame, the work only as long as its time.
  task<T> timed = std::move(work);
  detail::timed_wait wait(std::move(ctx), due);
  wait.start(timed);
  if (const auto reason = co_await wait) co_return std::unexpected(*reason);
  if constexpr (std::is_void_v<T>) {
    detail::task_access::promise_of(timed).take();
    co_return std::expected<T, cancel_reason>();
  } else {
    co_return detail::task_access::promise_of(timed).take();
  }
}

template <class T>
task<std::expected<T, cancel_reason>> timeout(cancel_scope ctx, clock::duration time, task<T> work) {
  const auto due = detail::after(ctx.get_executor(), time);
  return with_deadline(std::move(ctx), due, std::move(work));
}

}  // namespace weft::coro
