// The body of a generator: stepped by whoever asks it for items, or for the body that delegates to it.
//
// A body that delegates is the `outer` of the other. The outermost, which is the one that is asked, knows the
// innermost, which is the one that is resumed; both meet in the outermost's item, sent value and raised
// error.
#pragma once

#include <coroutine>
#include <cstdint>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include "actors/coro/generator_exchange.hpp"
#include "actors/coro/generator_exit.hpp"

namespace weft::coro::detail {

/// The part of the promise that does not depend on what the body returns.
template <class T, class Sent>
class generator_body {
 public:
  using sent_type = typename sent_value<Sent>::type;

  generator_body(const generator_body&) = delete;
  generator_body& operator=(const generator_body&) = delete;

  struct yield {
    generator_body* body;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<>) const noexcept { body->outermost_->state_ = state::yielded; }
    auto await_resume() const {
      body->outermost_->errors_.rethrow_raised();
      return body->outermost_->sent_.take();
    }
  };
  struct end {
    generator_body* body;
    bool await_ready() const noexcept { return false; }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<>) const noexcept {
      body->state_ = state::finished;
      if (body->outer_ == nullptr) return std::noop_coroutine();
      body->outermost_->innermost_ = body->outer_;
      return body->outer_->frame_;
    }
    void await_resume() const noexcept {}
  };

  generator_start initial_suspend() noexcept { return {&errors_}; }
  end final_suspend() noexcept { return {this}; }
  void unhandled_exception() noexcept { errors_.keep_exception(); }
  /// Nothing would resume a generator that awaits: that is what async_generator is for.
  template <class U>
  void await_transform(U&&) = delete;
  template <class U = T>
    requires std::is_constructible_v<T, U>
  yield yield_value(U&& value) {
    outermost_->item_.emplace(std::forward<U>(value));
    return {this};
  }

  bool finished() const noexcept { return state_ == state::finished; }
  std::optional<T>& item() noexcept { return item_; }
  std::optional<T> take_item() noexcept { return std::exchange(item_, std::nullopt); }

  void step() {
    refuse_when_running();
    item_.reset();
    if (finished()) return;
    state_ = state::running;
    innermost_->frame_.resume();
    errors_.rethrow_exception();
  }
  void send(sent_type value) {
    refuse_when_running();
    if (state_ == state::created) throw generator_error::not_started();
    if (!finished()) sent_.set(std::move(value));
    step();
  }
  void raise(std::exception_ptr error) {
    refuse_when_running();
    if (finished()) std::rethrow_exception(std::move(error));
    errors_.raise(std::move(error));
    step();
  }
  void close() {
    refuse_when_running();
    if (finished()) return;
    for (generator_body* each = innermost_; each != nullptr; each = each->outer_) each->closing_ = true;
    try {
      raise(std::make_exception_ptr(generator_exit{}));
    } catch (const generator_exit&) {  // NOLINT(bugprone-empty-catch): the body has let it pass, as it should
    }
    if (take_item()) throw generator_error::ignored_exit();
  }

  /// `outer` delegates to this: whom to resume.
  std::coroutine_handle<> run_for(generator_body& outer) noexcept {
    generator_body& outermost = *outer.outermost_;
    outermost.innermost_ = innermost_;
    outer_ = &outer;
    // One that has been asked before may have delegated itself.
    for (generator_body* each = innermost_; each != &outer; each = each->outer_)
      each->outermost_ = &outermost;
    return innermost_->frame_;
  }
  /// The outer body goes on. An exit that the inner one caught is not caught for the outer one (PEP 380).
  void return_to_outer() {
    errors_.rethrow_exception();
    if (closing_) throw generator_exit{};
  }

 protected:
  explicit generator_body(std::coroutine_handle<> frame) noexcept : frame_(frame) {}
  ~generator_body() = default;

 private:
  enum class state : std::uint8_t { created, running, yielded, finished };

  void refuse_when_running() const {
    if (state_ == state::running) throw generator_error::already_running();
  }

  state state_ = state::created;
  bool closing_ = false;
  std::coroutine_handle<> frame_;
  generator_body* outer_ = nullptr;
  generator_body* outermost_ = this;
  generator_body* innermost_ = this;
  std::optional<T> item_;
  sent_value<Sent> sent_;
  generator_errors errors_;
};

}  // namespace weft::coro::detail
