// The body of an async_generator, as far as it does not depend on its items, and whoever waits for the next
// one.
//
// Either may be destroyed first; each knows the other only while one waits for the other.
#pragma once

#include <coroutine>
#include <cstdint>
#include <exception>
#include <utility>

#include "actors/coro/generator_exchange.hpp"
#include "actors/coro/generator_exit.hpp"

namespace weft::coro::detail {

class generator_waiter;

class async_generator_body {
 public:
  async_generator_body(const async_generator_body&) = delete;
  async_generator_body& operator=(const async_generator_body&) = delete;

  struct end {
    async_generator_body* body;
    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<>) const noexcept {
      return body->hand_over(state::finished);
    }
    void await_resume() const noexcept {}
  };

  generator_start initial_suspend() noexcept { return {&errors_}; }
  end final_suspend() noexcept { return {this}; }
  void return_void() const noexcept {}
  void unhandled_exception() noexcept { errors_.keep_exception(); }

 protected:
  enum class state : std::uint8_t { created, running, yielded, finished };

  explicit async_generator_body(std::coroutine_handle<> frame) noexcept : frame_(frame) {}
  inline ~async_generator_body();
  /// The body is suspended in `now`: whom to resume.
  inline std::coroutine_handle<> hand_over(state now) noexcept;
  bool yielded() const noexcept { return state_ == state::yielded; }
  generator_errors& errors() noexcept { return errors_; }

 private:
  friend generator_waiter;
  state state_ = state::created;
  std::coroutine_handle<> frame_;
  generator_waiter* waiter_ = nullptr;
  generator_errors errors_;
};

/// The untyped part of a step: waits for the body to be suspended at an item or at its end.
class generator_waiter {
 public:
  generator_waiter(const generator_waiter&) = delete;
  generator_waiter& operator=(const generator_waiter&) = delete;

 protected:
  enum class kind : std::uint8_t { next, send, raise };

  explicit generator_waiter(async_generator_body& body) noexcept : body_(&body) {}
  ~generator_waiter() {
    if (body_ != nullptr && body_->waiter_ == this) body_->waiter_ = nullptr;
  }

  /// Whether there is nothing to wait for, because the body has ended.
  bool ended(kind step) const {
    using enum async_generator_body::state;
    // A body that runs without a waiter was left by one: it can be waited for, but not be interfered with.
    if (body_->state_ == running && (step != kind::next || body_->waiter_ != nullptr)) {
      throw generator_error::already_running();
    }
    if (body_->state_ == created && step == kind::send) throw generator_error::not_started();
    return body_->state_ == finished;
  }

  std::coroutine_handle<> run(std::coroutine_handle<> waiting, std::exception_ptr raised) noexcept {
    using enum async_generator_body::state;
    waiting_ = waiting;
    body_->waiter_ = this;
    if (body_->state_ == running) return std::noop_coroutine();
    body_->errors_.raise(std::move(raised));
    body_->state_ = running;
    return body_->frame_;
  }

  async_generator_body& body() const noexcept { return *body_; }
  /// The body has handed over; this does not refer to it any more.
  async_generator_body& leave() noexcept { return *std::exchange(body_, nullptr); }

 private:
  friend async_generator_body;
  async_generator_body* body_;
  std::coroutine_handle<> waiting_;
};

inline async_generator_body::~async_generator_body() {
  if (waiter_ != nullptr) waiter_->body_ = nullptr;
}

inline std::coroutine_handle<> async_generator_body::hand_over(state now) noexcept {
  state_ = now;
  if (waiter_ == nullptr) return std::noop_coroutine();
  return std::exchange(waiter_, nullptr)->waiting_;
}

}  // namespace weft::coro::detail
