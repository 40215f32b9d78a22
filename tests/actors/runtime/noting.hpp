// A coroutine that notes its number when it is resumed, and ends with its owner.
#pragma once

#include <coroutine>
#include <exception>
#include <vector>

namespace weft {

struct noting {
  struct promise_type {
    noting get_return_object() { return noting(std::coroutine_handle<promise_type>::from_promise(*this)); }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };

  explicit noting(std::coroutine_handle<promise_type> of) noexcept : handle(of) {}
  ~noting() { handle.destroy(); }
  noting(const noting&) = delete;
  noting& operator=(const noting&) = delete;

  const std::coroutine_handle<promise_type> handle;
};

inline noting note(std::vector<int>* order, int number) {
  order->push_back(number);
  co_return;
}

}  // namespace weft
