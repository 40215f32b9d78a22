// mutex: one coroutine at a time, the others wait in the order in which they came.
//
//     const auto hold = co_await writing.lock(ctx);    // std::expected<mutex::hold, cancel_reason>
//     if (!hold) co_return;
//     co_await write(ctx);                             // unlocked when `hold` dies
//
// Only needed where a coroutine is suspended in the middle of what others must not see: an actor runs one
// coroutine at a time anyway. It blocks no thread, so unlike a std::mutex it may be held across co_await.
//
// Ownership, cancellation, order and thread safety: those of semaphore. Not recursive.
#pragma once

#include <optional>
#include <utility>

#include "actors/coro/semaphore.hpp"

namespace weft::coro {

class mutex {
 public:
  using hold = semaphore::permit;

  /// Awaited once: yields the hold, or why `ctx` was cancelled before there was one.
  semaphore::acquiring lock(cancel_scope ctx) { return one_.acquire(std::move(ctx)); }
  std::optional<hold> try_lock() noexcept { return one_.try_acquire(); }
  bool locked() const noexcept { return one_.available() == 0; }

 private:
  semaphore one_{1};
};

}  // namespace weft::coro
