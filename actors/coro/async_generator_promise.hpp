// The promise of an async_generator: its body, and the item that it yields.
#pragma once

#include <coroutine>
#include <optional>
#include <type_traits>
#include <utility>

#include "actors/coro/async_generator_body.hpp"

namespace weft::coro {

template <class T, class Sent>
class async_generator;

namespace detail {

template <class T, class Sent>
class async_generator_promise final : public async_generator_body {
 public:
  using sent_type = typename sent_value<Sent>::type;

  async_generator_promise() noexcept
      : async_generator_body(std::coroutine_handle<async_generator_promise>::from_promise(*this)) {}

  class yield {
   public:
    explicit yield(async_generator_promise& body) noexcept : body_(&body) {}
    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<>) const noexcept {
      return body_->hand_over(state::yielded);
    }
    auto await_resume() const {
      body_->errors().rethrow_raised();
      return body_->sent_.take();
    }

   private:
    async_generator_promise* body_;
  };

  async_generator<T, Sent> get_return_object() noexcept;
  template <class U = T>
    requires std::is_constructible_v<T, U>
  yield yield_value(U&& item) {
    item_.emplace(std::forward<U>(item));
    return yield(*this);
  }

  /// An item is there that nobody has taken.
  bool has_item() const noexcept { return this->yielded() && item_.has_value(); }
  /// The item; nothing at the end. Throws what has left the body.
  std::optional<T> take() {
    this->errors().rethrow_exception();
    return std::exchange(item_, std::nullopt);
  }
  void drop_item() noexcept { item_.reset(); }
  /// What the body's co_yield yields.
  void receive(sent_type sent) { sent_.set(std::move(sent)); }

 private:
  std::optional<T> item_;
  sent_value<Sent> sent_;
};

}  // namespace detail

}  // namespace weft::coro
