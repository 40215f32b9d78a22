// async_generator<T, Sent>: a coroutine that yields items one at a time to whoever asks, and may await
// between them. The semantics are those of Python's asynchronous generators (PEP 525).
//
//     async_generator<int> count(cancel_scope ctx) {
//       for (int i = 0;; ++i) {
//         co_yield i;
//         if (!co_await sleep_for(ctx, 1s)) co_return;
//       }
//     }
//     auto numbers = count(ctx);
//     while (std::optional<int> n = co_await numbers.next()) use(*n);
//
// next() yields the next item, nothing once the body has returned. asend(v) does the same, and `v` is what
// `co_yield` yields in the body, a std::optional<Sent> that is empty after next(). athrow(e) raises `e` at
// the body's co_yield; it may catch it and yield again. aclose() raises generator_exit there and waits until
// the body has ended; what it yields is an error.
//
// Errors: an exception that leaves the body is thrown from the step that was awaited, once; the generator has
// ended then. A step while another is awaited, a value before the first item, and a body that yields while it
// is closed are generator_errors. Steps of a generator that has ended yield nothing, athrow's error included.
//
// Ownership: the generator owns the body's frame; dropping it destroys the frame wherever it is suspended,
// and destructors in it are the cleanup that always runs. Generator and waiting frame may be destroyed in any
// order. When the waiting frame is destroyed, the body goes on to its next co_yield, and next() yields that
// item; a frame that waits for a generator that is destroyed is not resumed. A step is awaited where it is
// made.
//
// Cancellation: the body is given a cancel scope as any task.
//
// Body and waiting frame transfer symmetrically: no step uses stack or allocates.
//
// Thread safety: none; belongs to the actor that created it.
#pragma once

#include <cassert>
#include <coroutine>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include "actors/coro/async_generator_promise.hpp"
#include "actors/coro/generator_exit.hpp"

namespace weft::coro {

template <class T, class Sent = void>
class [[nodiscard("a generator does nothing until it is asked for an item")]] async_generator {
  static_assert(std::is_object_v<T> && !std::is_const_v<T>,
                "an item is a value: a reference would dangle after a suspension");

 public:
  using promise_type = detail::async_generator_promise<T, Sent>;

  class [[nodiscard("a step does nothing until it is awaited")]] step;
  class [[nodiscard("closing does nothing until it is awaited")]] closing;

  async_generator(async_generator&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  async_generator& operator=(async_generator&& other) noexcept {
    async_generator dying(std::exchange(frame_, std::exchange(other.frame_, nullptr)));
    return *this;
  }
  ~async_generator() {
    if (frame_) frame_.destroy();
  }

  step next() noexcept { return step(promise()); }
  template <class U = Sent>
    requires(!std::is_void_v<Sent> && std::is_constructible_v<Sent, U>)
  step asend(U&& value) {
    return step(promise(), Sent(std::forward<U>(value)));
  }
  step athrow(std::exception_ptr error) noexcept { return step(promise(), std::move(error)); }
  template <class Error>
    requires(!std::is_same_v<std::remove_cvref_t<Error>, std::exception_ptr>)
  step athrow(Error&& error) {
    return athrow(std::make_exception_ptr(std::forward<Error>(error)));
  }
  closing aclose() { return closing(promise()); }

 private:
  friend promise_type;
  using handle = std::coroutine_handle<promise_type>;

  explicit async_generator(handle frame) noexcept : frame_(frame) {}
  promise_type& promise() const noexcept {
    assert(frame_ && "a generator that was moved from has no items");
    return frame_.promise();
  }

  handle frame_;
};

template <class T, class Sent>
class async_generator<T, Sent>::step final : private detail::generator_waiter {
 public:
  bool await_ready() {
    if (kind_ == kind::next && body().has_item()) return true;
    return this->ended(kind_);
  }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> waiting) noexcept {
    if (kind_ != kind::next) body().drop_item();
    if (kind_ == kind::send) body().receive(std::move(*sent_));
    return this->run(waiting, std::move(raised_));
  }
  std::optional<T> await_resume() { return static_cast<promise_type&>(this->leave()).take(); }

 private:
  friend class async_generator;
  using sent_type = typename promise_type::sent_type;
  explicit step(promise_type& body) noexcept : generator_waiter(body), kind_(kind::next) {}
  step(promise_type& body, sent_type sent)
      : generator_waiter(body), kind_(kind::send), sent_(std::move(sent)) {}
  step(promise_type& body, std::exception_ptr raised) noexcept
      : generator_waiter(body), kind_(kind::raise), raised_(std::move(raised)) {}
  promise_type& body() const noexcept { return static_cast<promise_type&>(generator_waiter::body()); }

  kind kind_;
  std::optional<sent_type> sent_;
  std::exception_ptr raised_;
};

template <class T, class Sent>
class async_generator<T, Sent>::closing final : private detail::generator_waiter {
 public:
  bool await_ready() { return this->ended(kind::raise); }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> waiting) {
    static_cast<promise_type&>(this->body()).drop_item();
    return this->run(waiting, std::make_exception_ptr(generator_exit{}));
  }
  void await_resume() {
    try {
      if (static_cast<promise_type&>(this->leave()).take()) throw generator_error::ignored_exit();
    } catch (const generator_exit&) {  // NOLINT(bugprone-empty-catch): the body has let it pass, as it should
    }
  }

 private:
  friend class async_generator;
  explicit closing(promise_type& body) noexcept : generator_waiter(body) {}
};

namespace detail {
template <class T, class Sent>
async_generator<T, Sent> async_generator_promise<T, Sent>::get_return_object() noexcept {
  return async_generator<T, Sent>(std::coroutine_handle<async_generator_promise>::from_promise(*this));
}
}  // namespace detail

}  // namespace weft::coro
