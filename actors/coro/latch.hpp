// latch: starts tasks and is awaited until all of them have finished. What when_all and when_any are made of.
//
// Ownership: a local of the coroutine that awaits it, declared after the tasks.
#pragma once

#include <coroutine>
#include <cstddef>
#include <exception>
#include <type_traits>
#include <variant>

#include "actors/coro/task.hpp"

namespace weft::coro::detail {

/// What a task contributes to a joint result.
template <class T>
using joined_value = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

class latch : public task_observer {
 public:
  latch() = default;
  latch(const latch&) = delete;
  latch& operator=(const latch&) = delete;

  template <class T>
  void start(task<T>& t) {
    ++unfinished_;
    task_access::start(t, *this);
  }

  bool await_ready() const noexcept { return unfinished_ == 0; }
  void await_suspend(std::coroutine_handle<> waiting) noexcept { waiting_ = waiting; }
  /// Throws the first exception that any of the tasks ended with.
  void await_resume() const {
    if (first_exception_) std::rethrow_exception(first_exception_);
  }

  template <class T>
  static joined_value<T> take(task<T>& t) {
    if constexpr (std::is_void_v<T>) {
      return {};
    } else {
      return task_access::promise_of(t).take();
    }
  }

 protected:
  ~latch() = default;
  virtual void on_finished(const promise_base&) noexcept {}

 private:
  std::coroutine_handle<> on_done(promise_base& finished) noexcept final {
    if (!first_exception_) first_exception_ = finished.exception();
    on_finished(finished);
    if (--unfinished_ == 0 && waiting_) return waiting_;
    return std::noop_coroutine();
  }

  std::size_t unfinished_ = 0;
  std::coroutine_handle<> waiting_;
  std::exception_ptr first_exception_;
};

}  // namespace weft::coro::detail
