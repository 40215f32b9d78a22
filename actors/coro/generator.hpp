// generator<T, Sent, Result>: a coroutine that yields items one at a time to plain code. The semantics are
// those of Python's generators (PEP 342) and of delegation to a sub-generator (PEP 380).
//
//     generator<int> leaves(const node* tree) {
//       if (tree->left != nullptr) co_yield elements_of(leaves(tree->left));
//       co_yield tree->value;
//     }
//     for (int value : leaves(&root)) use(value);
//
// next() returns the next item, nothing once the body has returned; result() then is what it returned.
// send(v) does the same, and `v` is what `co_yield` yields in the body, a std::optional<Sent> that is empty
// after next(). raise(e) raises `e` at the body's co_yield; it may catch it and yield again. close() raises
// generator_exit there; what the body yields then is an error.
//
// `co_yield elements_of(sub)` yields what `sub` yields and passes on to it what is sent, raised and closed;
// it yields what `sub` returned. An item costs the same at any depth: the innermost body is resumed directly.
//
// Errors: an exception that leaves the body is thrown from the step once; the generator has ended then. A
// step from inside the body, a value before the first item, and a body that yields while it is closed are
// generator_errors. An ended generator yields nothing, but raise() throws its error.
//
// Ownership: the generator owns the body's frame, and a body those of the sub-generators it delegates to;
// dropping it destroys them, innermost first, with one level of stack for each.
//
// Thread safety: none.
#pragma once

#include <cassert>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <iterator>
#include <optional>
#include <type_traits>
#include <utility>

#include "actors/coro/generator_exit.hpp"
#include "actors/coro/generator_promise.hpp"

namespace weft::coro {

template <class T, class Sent = void, class Result = void>
class [[nodiscard("a generator does nothing until it is asked for an item")]] generator {
  static_assert(std::is_object_v<T> && !std::is_const_v<T>, "an item is a value");

 public:
  using promise_type = detail::generator_promise<T, Sent, Result>;
  class iterator;

  generator(generator&& other) noexcept : frame_(std::exchange(other.frame_, nullptr)) {}
  generator& operator=(generator&& other) noexcept {
    generator dying(std::exchange(frame_, std::exchange(other.frame_, nullptr)));
    return *this;
  }
  ~generator() {
    if (frame_) frame_.destroy();
  }

  std::optional<T> next() {
    body().step();
    return body().take_item();
  }
  template <class U = Sent>
    requires(!std::is_void_v<Sent> && std::is_constructible_v<Sent, U>)
  std::optional<T> send(U&& value) {
    body().send(Sent(std::forward<U>(value)));
    return body().take_item();
  }
  std::optional<T> raise(std::exception_ptr error) {
    body().raise(std::move(error));
    return body().take_item();
  }
  template <class Error>
    requires(!std::is_same_v<std::remove_cvref_t<Error>, std::exception_ptr>)
  std::optional<T> raise(Error&& error) {
    return raise(std::make_exception_ptr(std::forward<Error>(error)));
  }
  void close() { body().close(); }

  /// What the body returned, taken once; nothing before its end.
  std::optional<Result> result()
    requires(!std::is_void_v<Result>)
  {
    return std::exchange(body().result, std::nullopt);
  }

  /// Asks for the next item, the first one or not. There is one iteration at a time.
  iterator begin() {
    body().step();
    return iterator(body());
  }
  std::default_sentinel_t end() const noexcept { return {}; }

 private:
  friend promise_type;
  friend detail::generator_access;
  using handle = std::coroutine_handle<promise_type>;

  explicit generator(handle frame) noexcept : frame_(frame) {}
  promise_type& body() const noexcept {
    assert(frame_ && "a generator that was moved from has no items");
    return frame_.promise();
  }

  handle frame_;
};

template <class T, class Sent, class Result>
class generator<T, Sent, Result>::iterator {
 public:
  using value_type = T;
  using difference_type = std::ptrdiff_t;
  using iterator_concept = std::input_iterator_tag;

  T& operator*() const noexcept { return *body_->item(); }
  iterator& operator++() {
    body_->step();
    return *this;
  }
  void operator++(int) { ++*this; }
  friend bool operator==(const iterator& at, std::default_sentinel_t) noexcept {
    return !at.body_->item().has_value();
  }

 private:
  friend generator;
  explicit iterator(promise_type& body) noexcept : body_(&body) {}
  promise_type* body_;
};

/// What is yielded to yield all items of `sub`.
template <class T, class Sent, class Result>
struct elements_of {
  explicit elements_of(generator<T, Sent, Result> from) noexcept : sub(std::move(from)) {}
  generator<T, Sent, Result> sub;
};

namespace detail {
template <class T, class Sent, class Result>
generator<T, Sent, Result> generator_promise<T, Sent, Result>::get_return_object() noexcept {
  return generator<T, Sent, Result>(std::coroutine_handle<generator_promise>::from_promise(*this));
}
}  // namespace detail

}  // namespace weft::coro
