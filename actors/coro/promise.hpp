// The promise of a task: who goes on when it ends, or is told of it, and what it ends with. Only task.hpp and
// those who run tasks need it.
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include "actors/coro/intrusive_list.hpp"

namespace weft::coro {

template <class T = void>
class task;

namespace detail {

class promise_base;

/// Is told when a task ends that nobody awaits directly (roots of a scope, the parts of when_all and
/// when_any).
class task_observer {
 public:
  /// `finished` is suspended at its end; its frame must not be destroyed from inside this call. Returns whom
  /// to resume next.
  virtual std::coroutine_handle<> on_done(promise_base& finished) noexcept = 0;

 protected:
  ~task_observer() = default;
};

class promise_base {
 public:
  promise_base() = default;
  promise_base(const promise_base&) = delete;
  promise_base& operator=(const promise_base&) = delete;

  struct final_awaiter {
    bool await_ready() const noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> finished) const noexcept {
      promise_base& self = finished.promise();
      return self.observer_ == nullptr ? self.continuation_ : self.observer_->on_done(self);
    }
    void await_resume() const noexcept {}
  };

  std::suspend_always initial_suspend() const noexcept { return {}; }
  final_awaiter final_suspend() const noexcept { return {}; }
  void unhandled_exception() noexcept { exception_ = std::current_exception(); }

  void continue_with(std::coroutine_handle<> continuation) noexcept { continuation_ = continuation; }
  void report_to(task_observer& observer) noexcept { observer_ = &observer; }
  const std::exception_ptr& exception() const noexcept { return exception_; }

 protected:
  ~promise_base() = default;
  void rethrow() {
    if (exception_) std::rethrow_exception(std::exchange(exception_, nullptr));
  }

 private:
  std::coroutine_handle<> continuation_;
  task_observer* observer_ = nullptr;
  std::exception_ptr exception_;
};

template <class T>
class promise final : public promise_base {
 public:
  task<T> get_return_object() noexcept;
  template <class U = T>
    requires std::is_constructible_v<T, U>
  void return_value(U&& value) {
    value_.emplace(std::forward<U>(value));
  }
  T take() {
    rethrow();
    return std::move(*value_);
  }

 private:
  std::optional<T> value_;
};

/// A task without a value can be the root of a scope, which links it into its lists.
template <>
class promise<void> final : public promise_base, public list_node {
 public:
  task<void> get_return_object() noexcept;
  void return_void() const noexcept {}
  void take() { rethrow(); }
};

}  // namespace detail

}  // namespace weft::coro
