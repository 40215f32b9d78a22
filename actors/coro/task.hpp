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
#include <type_traits>
#include <utility>

#include "actors/coro/promise.hpp"

namespace weft::coro {

namespace detail {
struct task_access;
}

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
