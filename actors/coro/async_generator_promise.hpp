// The inner side of async_generator: its body's promise, and whoever waits for the body's next item.
//
// Either may be destroyed first; each knows the other only while one waits for the other.
#pragma once

#include <coroutine>
#include <cstdint>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include "actors/coro/generator_exit.hpp"

namespace weft::coro {

template <class T, class Sent>
class async_generator;

namespace detail {

class generator_waiter;

class async_generator_base {
 public:
  async_generator_base(const async_generator_base&) = delete;
  async_generator_base& operator=(const async_generator_base&) = delete;

  /// Raises what a body that has not started was given, as if at its first line.
  class start {
   public:
    explicit start(async_generator_base& body) noexcept : body_(&body) {}
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<>) const noexcept {}
    void await_resume() const { body_->raise(); }

   private:
    async_generator_base* body_;
  };

  struct end {
    async_generator_base* body;
    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<>) const noexcept {
      return body->hand_over(state::finished);
    }
    void await_resume() const noexcept {}
  };

  start initial_suspend() noexcept { return start(*this); }
  end final_suspend() noexcept { return {this}; }
  void return_void() const noexcept {}
  void unhandled_exception() noexcept { exception_ = std::current_exception(); }

 protected:
  enum class state : std::uint8_t { created, running, yielded, finished };

  explicit async_generator_base(std::coroutine_handle<> frame) noexcept : frame_(frame) {}
  inline ~async_generator_base();
  /// The body is suspended in `now`: whom to resume.
  inline std::coroutine_handle<> hand_over(state now) noexcept;
  bool yielded() const noexcept { return state_ == state::yielded; }
  void raise() {
    if (raised_) std::rethrow_exception(std::exchange(raised_, nullptr));
  }
  void rethrow() {
    if (exception_) std::rethrow_exception(std::exchange(exception_, nullptr));
  }

 private:
  friend generator_waiter;
  state state_ = state::created;
  std::coroutine_handle<> frame_;
  generator_waiter* waiter_ = nullptr;
  std::exception_ptr raised_;
  std::exception_ptr exception_;
};

/// The untyped part of a step: waits for the body to be suspended at an item or at its end.
class generator_waiter {
 public:
  generator_waiter(const generator_waiter&) = delete;
  generator_waiter& operator=(const generator_waiter&) = delete;

 protected:
  enum class kind : std::uint8_t { next, send, raise };

  explicit generator_waiter(async_generator_base& body) noexcept : body_(&body) {}
  ~generator_waiter() {
    if (body_ != nullptr && body_->waiter_ == this) body_->waiter_ = nullptr;
  }

  /// Whether there is nothing to wait for, because the body has ended.
  bool ended(kind step) const {
    using enum async_generator_base::state;
    // A body that runs without a waiter was left by one: it can be waited for, but not be interfered with.
    if (body_->state_ == running && (step != kind::next || body_->waiter_ != nullptr)) {
      throw generator_error::already_running();
    }
    if (body_->state_ == created && step == kind::send) throw generator_error::not_started();
    return body_->state_ == finished;
  }

  std::coroutine_handle<> run(std::coroutine_handle<> waiting, std::exception_ptr raised) noexcept {
    using enum async_generator_base::state;
    waiting_ = waiting;
    body_->waiter_ = this;
    if (body_->state_ == running) return std::noop_coroutine();
    body_->raised_ = std::move(raised);
    body_->state_ = running;
    return body_->frame_;
  }

  async_generator_base& body() const noexcept { return *body_; }
  /// The body has handed over; this does not refer to it any more.
  async_generator_base& leave() noexcept { return *std::exchange(body_, nullptr); }

 private:
  friend async_generator_base;
  async_generator_base* body_;
  std::coroutine_handle<> waiting_;
};

inline async_generator_base::~async_generator_base() {
  if (waiter_ != nullptr) waiter_->body_ = nullptr;
}

inline std::coroutine_handle<> async_generator_base::hand_over(state now) noexcept {
  state_ = now;
  if (waiter_ == nullptr) return std::noop_coroutine();
  return std::exchange(waiter_, nullptr)->waiting_;
}

template <class T, class Sent>
class async_generator_promise final : public async_generator_base {
 public:
  using sent_type = std::conditional_t<std::is_void_v<Sent>, std::monostate, Sent>;

  async_generator_promise() noexcept
      : async_generator_base(std::coroutine_handle<async_generator_promise>::from_promise(*this)) {}

  class yield {
   public:
    explicit yield(async_generator_promise& body) noexcept : body_(&body) {}
    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<>) const noexcept {
      return body_->hand_over(state::yielded);
    }
    auto await_resume() const {
      body_->raise();
      if constexpr (!std::is_void_v<Sent>) return std::exchange(body_->sent_, std::nullopt);
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
    this->rethrow();
    return std::exchange(item_, std::nullopt);
  }
  void drop_item() noexcept { item_.reset(); }
  /// What the body's co_yield yields.
  void receive(sent_type sent) { sent_.emplace(std::move(sent)); }

 private:
  std::optional<T> item_;
  std::optional<sent_type> sent_;
};

}  // namespace detail

}  // namespace weft::coro
