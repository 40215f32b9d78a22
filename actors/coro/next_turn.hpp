// next_turn: lets everything else that is ready run before the coroutine goes on.
//
//     co_await next_turn(executor);
//
// For loops that could go on for long without waiting for anything. Destroying the frame takes it back.
//
// Thread safety: none; belongs to the executor's thread.
#pragma once

#include <coroutine>

#include "actors/coro/executor.hpp"

namespace weft::coro {

class [[nodiscard("a turn is given up only where this is awaited")]] next_turn {
 public:
  explicit next_turn(executor& on) noexcept : executor_(on) {}
  next_turn(const next_turn&) = delete;
  next_turn& operator=(const next_turn&) = delete;
  ~next_turn() {
    if (waiting_) executor_.unpost(waiting_);
  }

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiting) {
    waiting_ = waiting;
    executor_.post(waiting);
  }
  void await_resume() noexcept { waiting_ = nullptr; }

 private:
  executor& executor_;
  std::coroutine_handle<> waiting_;
};

}  // namespace weft::coro
