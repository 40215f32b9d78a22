// The inner side of generator: its body's promise, and delegation from one body to another.
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
#include <variant>

#include "actors/coro/generator_exit.hpp"

namespace weft::coro {

template <class T, class Sent, class Result>
class generator;
template <class T, class Sent, class Result>
struct elements_of;

namespace detail {

/// The part of the promise that does not depend on what the body returns.
template <class T, class Sent>
class generator_body {
 public:
  using sent_type = std::conditional_t<std::is_void_v<Sent>, std::monostate, Sent>;

  generator_body(const generator_body&) = delete;
  generator_body& operator=(const generator_body&) = delete;

  /// Raises what a body that has not started was given, as if at its first line.
  struct start {
    generator_body* body;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<>) const noexcept {}
    void await_resume() const { body->rethrow_raised(); }
  };
  struct yield {
    generator_body* body;
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<>) const noexcept { body->outermost_->state_ = state::yielded; }
    auto await_resume() const {
      body->rethrow_raised();
      if constexpr (!std::is_void_v<Sent>) return std::exchange(body->outermost_->sent_, std::nullopt);
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

  start initial_suspend() noexcept { return {this}; }
  end final_suspend() noexcept { return {this}; }
  void unhandled_exception() noexcept { exception_ = std::current_exception(); }
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
    rethrow_exception();
  }
  void send(sent_type value) {
    refuse_when_running();
    if (state_ == state::created) throw generator_error::not_started();
    if (!finished()) sent_.emplace(std::move(value));
    step();
  }
  void raise(std::exception_ptr error) {
    refuse_when_running();
    if (finished()) std::rethrow_exception(std::move(error));
    raised_ = std::move(error);
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
    rethrow_exception();
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
  void rethrow_raised() {
    auto& raised = outermost_->raised_;
    if (raised) std::rethrow_exception(std::exchange(raised, nullptr));
  }
  void rethrow_exception() {
    if (exception_) std::rethrow_exception(std::exchange(exception_, nullptr));
  }

  state state_ = state::created;
  bool closing_ = false;
  std::coroutine_handle<> frame_;
  generator_body* outer_ = nullptr;
  generator_body* outermost_ = this;
  generator_body* innermost_ = this;
  std::optional<T> item_;
  std::optional<sent_type> sent_;
  std::exception_ptr raised_;
  std::exception_ptr exception_;
};

template <class Result>
struct generator_result {
  template <class U = Result>
    requires std::is_constructible_v<Result, U>
  void return_value(U&& value) {
    result.emplace(std::forward<U>(value));
  }
  std::optional<Result> result;
};
template <>
struct generator_result<void> {
  void return_void() const noexcept {}
};

struct generator_access {
  template <class T, class Sent, class Result>
  static auto& body_of(const generator<T, Sent, Result>& of) noexcept {
    return of.body();
  }
};

template <class T, class Sent, class Result>
class generator_promise final : public generator_body<T, Sent>, public generator_result<Result> {
 public:
  template <class SubResult>
  class delegation {
   public:
    delegation(generator_body<T, Sent>& outer, generator<T, Sent, SubResult> sub) noexcept
        : outer_(&outer), sub_(std::move(sub)) {}
    bool await_ready() const noexcept { return sub().finished(); }
    std::coroutine_handle<> await_suspend(std::coroutine_handle<>) noexcept { return sub().run_for(*outer_); }
    SubResult await_resume() {
      sub().return_to_outer();
      if constexpr (!std::is_void_v<SubResult>) {
        if (!sub().result)
          throw generator_error("the generator delegated to had ended, its result was taken");
        return std::move(*sub().result);
      }
    }

   private:
    auto& sub() const noexcept { return generator_access::body_of(sub_); }
    generator_body<T, Sent>* outer_;
    generator<T, Sent, SubResult> sub_;
  };

  generator_promise() noexcept
      : generator_body<T, Sent>(std::coroutine_handle<generator_promise>::from_promise(*this)) {}

  generator<T, Sent, Result> get_return_object() noexcept;
  using generator_body<T, Sent>::yield_value;
  template <class SubResult>
  delegation<SubResult> yield_value(elements_of<T, Sent, SubResult> from) noexcept {
    return {*this, std::move(from.sub)};
  }
};

}  // namespace detail

}  // namespace weft::coro
