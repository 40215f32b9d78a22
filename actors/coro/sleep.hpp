// Sleeping: `co_await sleep_for(ctx, 200ms)`.
//
// Yields why `ctx` was cancelled if that happens before the time is over. A time that is over already still
// lets everything else that is ready run first. Destroying the sleeping frame disarms the timer.
//
// Thread safety: none; belongs to the actor of its cancel scope.
#pragma once

#include <coroutine>
#include <expected>
#include <utility>

#include "actors/coro/suspension.hpp"

namespace weft::coro {

class [[nodiscard("a sleep does nothing until it is awaited")]] sleep_awaiter final : private suspension,
                                                                                      private timer {
 public:
  sleep_awaiter(cancel_scope ctx, clock::time_point due) noexcept : suspension(std::move(ctx)), due_(due) {}
  sleep_awaiter(const sleep_awaiter&) = delete;
  sleep_awaiter& operator=(const sleep_awaiter&) = delete;

  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> waiting) {
    if (!suspend(waiting)) return false;
    run().arm(*this, due_);
    return true;
  }
  std::expected<void, cancel_reason> await_resume() noexcept {
    resumed();
    if (reason()) return std::unexpected(*reason());
    return {};
  }

 private:
  void on_expiry() override { resume(); }

  clock::time_point due_;
};

inline sleep_awaiter sleep_until(cancel_scope ctx, clock::time_point due) noexcept {
  return {std::move(ctx), due};
}

namespace detail {
/// The end of time when there is no such time.
inline clock::time_point after(const executor& run, clock::duration time) noexcept {
  const auto now = run.now();
  const bool endless = time > clock::duration::zero() && now > clock::time_point::max() - time;
  return endless ? clock::time_point::max() : now + time;
}
}  // namespace detail

inline sleep_awaiter sleep_for(cancel_scope ctx, clock::duration time) noexcept {
  const auto due = detail::after(ctx.get_executor(), time);
  return {std::move(ctx), due};
}

}  // namespace weft::coro
