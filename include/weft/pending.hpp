// pending<T>: a call under way, whose answer can be had in whichever way the caller is written.
//
//     auto ada = node.call<user>("users.get", 1).get();                 // blocking
//     auto ada = co_await node.call<user>("users.get", 1);              // in a coroutine
//     node.call<user>("users.get", 1).then([](weft::result<user> ada) { … });
//     std::future<weft::result<user>> ada = node.call<user>("users.get", 1).as_future();
//
// The call is made at once. Letting go of it without any of these takes it back: the callee is told
// (`$/cancelRequest`). <weft/caf.hpp> brings its answer to a CAF actor.
//
// Thread safety: the object belongs to one thread at a time; any thread.
#pragma once

#include <chrono>
#include <coroutine>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "weft/coro.hpp"
#include "weft/detail/convert.hpp"
#include "weft/detail/pending_state.hpp"
#include "weft/error.hpp"

namespace weft {

namespace detail {

std::expected<nlohmann::json, error> parse(std::string_view raw_result);

/// What was answered, as a T.
template <class T>
result<T> decode(pending_state::outcome outcome) {
  if (!outcome) return std::move(outcome.error());
  if constexpr (std::is_void_v<T>) {
    return {};
  } else {
    auto parsed = parse(*outcome);
    if (!parsed) return std::move(parsed.error());
    auto value = read<T>(*parsed);
    if (!value) return error(error_code::internal_error, "{}", value.error().text("the result"));
    return std::move(*value);
  }
}

}  // namespace detail

template <class T>
class [[nodiscard("a call that is let go is taken back")]] pending {
 public:
  explicit pending(std::shared_ptr<detail::pending_state> state) noexcept : state_(std::move(state)) {}
  pending(pending&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  pending& operator=(pending&& other) noexcept {
    if (this != &other) {
      if (state_) state_->cancel();
      state_ = std::exchange(other.state_, nullptr);
    }
    return *this;
  }
  ~pending() {
    if (state_) state_->cancel();
  }

  bool ready() const { return state_->ready(); }
  /// False when there is no answer after that time.
  bool wait_for(std::chrono::milliseconds time) const {
    return state_->wait_until(std::chrono::steady_clock::now() + time);
  }
  /// Waits for the answer. Once. Not in a handler or another coroutine of weft: `co_await` is for those.
  result<T> get() { return detail::decode<T>(std::exchange(state_, nullptr)->wait()); }

  /// Takes the call back; the answer is -32800 then, unless it was there before.
  void cancel() const { state_->cancel(); }

  /// Calls `act` with the answer: at once if it is there, else on the thread that brings it, which it must
  /// not hold up.
  template <class Act>
  void then(Act act) {
    auto state = std::exchange(state_, nullptr);
    auto* const call = state.get();
    call->when_ready([state = std::move(state), act = std::move(act)]() mutable {
      act(detail::decode<T>(state->take()));
    });
  }
  /// The future never throws what the call came to: it holds a result.
  std::future<result<T>> as_future() {
    std::promise<result<T>> promise;
    auto future = promise.get_future();
    then([promise = std::move(promise)](result<T> answer) mutable { promise.set_value(std::move(answer)); });
    return future;
  }

  class awaiter;
  /// Goes on where the coroutine was: on its reactor, or, of a coroutine that runs on none, on the thread
  /// that brings the answer.
  awaiter operator co_await() { return awaiter(std::exchange(state_, nullptr)); }

 private:
  std::shared_ptr<detail::pending_state> state_;
};

template <class T>
class pending<T>::awaiter {
 public:
  explicit awaiter(std::shared_ptr<detail::pending_state> state) noexcept : state_(std::move(state)) {}
  awaiter(const awaiter&) = delete;
  awaiter& operator=(const awaiter&) = delete;
  ~awaiter() {
    if (!taken_) state_->cancel();
  }

  bool await_ready() const { return state_->ready(); }
  void await_suspend(std::coroutine_handle<> waiting) {
    resumption_.emplace(waiting);
    // The coroutine may be gone before this returns.
    const auto state = state_;
    state->when_ready(resumption_->callback());
  }
  result<T> await_resume() {
    taken_ = true;
    return detail::decode<T>(state_->take());
  }

 private:
  std::shared_ptr<detail::pending_state> state_;
  std::optional<detail::resumption> resumption_;
  bool taken_ = false;
};

namespace detail {

template <class T>
coro::task<result<T>> wait_for_answer(pending<T> call) {
  co_return co_await call;
}

}  // namespace detail

/// A call as a task, for `when_all` and `when_any`.
template <class T>
coro::task<result<T>> as_task(pending<T> call) {
  return detail::wait_for_answer(std::move(call));
}

}  // namespace weft
