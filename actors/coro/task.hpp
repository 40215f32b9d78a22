// task<T>: a coroutine that is started by awaiting it and hands its result to the one who awaits.
//
// A task is lazy (nothing runs before `co_await`), move-only, awaited at most once and as an rvalue:
// `co_await f()` or `co_await std::move(t)`. An exception that leaves the coroutine is thrown again from
// `co_await`. T is void or a value; a reference would dangle as soon as the coroutine is suspended.
//
// Ownership: the task owns the coroutine's frame. Destroying a task that is suspended destroys its frame, and
// with it the frames of the tasks it awaits, innermost first; destructors in the frames are where cleanup
// belongs.
//
// Awaiting and returning use symmetric transfer, so the depth of a chain of awaits does not use stack.
// Destroying a chain that is still suspended does: it is a recursion over its levels.
//
// Thread safety: none. A task belongs to the actor that created it.
#pragma once

#include <cassert>
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

struct task_access;

}  // namespace detail

template <class T>
class [[nodiscard("a task does nothing until it is awaited or spawned")]] task {
  static_assert(std::is_void_v<T> || (std::is_object_v<T> && !std::is_const_v<T>),
                "the result of a task is void or a value: a reference would dangle after a suspension");

 public:
  using promise_type = detail::promise<T>;

  task(task&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  task& operator=(task&& other) noexcept {
    task dying(std::exchange(frame_, std::exchange(other.frame_, nullptr)));
    return *this;
  }
  ~task() {
    if (frame_) frame_.destroy();
  }

  auto operator co_await() && noexcept {
    assert(frame_ && !frame_.done() && "a task is awaited once");
    return awaiter{frame_};
  }

 private:
  using handle = std::coroutine_handle<promise_type>;
  friend promise_type;
  friend detail::task_access;

  struct awaiter {
    handle callee;
    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<> caller) const noexcept {
      callee.promise().continue_with(caller);
      return callee;
    }
    T await_resume() const { return callee.promise().take(); }
  };

  explicit task(handle frame) noexcept : frame_(frame) {}

  handle frame_;
};

namespace detail {

template <class T>
task<T> promise<T>::get_return_object() noexcept {
  return task<T>(std::coroutine_handle<promise>::from_promise(*this));
}

inline task<void> promise<void>::get_return_object() noexcept {
  return task<void>(std::coroutine_handle<promise>::from_promise(*this));
}

/// What scope, when_all and when_any may do with a task and nobody else.
struct task_access {
  template <class T>
  static promise<T>& promise_of(task<T>& t) noexcept {
    assert(t.frame_ && "a task that was moved from cannot be started");
    return t.frame_.promise();
  }
  /// Runs `t` until it is suspended for the first time. `observer` is told when it ends.
  template <class T>
  static void start(task<T>& t, task_observer& observer) {
    promise_of(t).report_to(observer);
    t.frame_.resume();
  }
  /// The frame now belongs to the caller.
  template <class T>
  static std::coroutine_handle<promise<T>> release(task<T>& t) noexcept {
    return std::exchange(t.frame_, nullptr);
  }
};

}  // namespace detail

}  // namespace weft::coro
