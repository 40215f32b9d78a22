// What passes between a generator's body and whoever asks it for items, besides the items: values sent in,
// errors raised in it, the exception that has left it.
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

namespace weft::coro::detail {

class generator_errors {
 public:
  /// To be thrown where the body is suspended.
  void raise(std::exception_ptr error) noexcept { raised_ = std::move(error); }
  void rethrow_raised() {
    if (raised_) std::rethrow_exception(std::exchange(raised_, nullptr));
  }
  /// From inside a catch block: this has left the body.
  void keep_exception() noexcept { left_ = std::current_exception(); }
  /// Once.
  void rethrow_exception() {
    if (left_) std::rethrow_exception(std::exchange(left_, nullptr));
  }

 private:
  std::exception_ptr raised_;
  std::exception_ptr left_;
};

/// Before the first line of a body: raises there what it was given before it has started.
struct generator_start {
  generator_errors* errors;
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<>) const noexcept {}
  void await_resume() const { errors->rethrow_raised(); }
};

/// What `co_yield` yields in the body: the value that was sent, if one was; nothing at all for `void`.
template <class Sent>
class sent_value {
 public:
  using type = std::conditional_t<std::is_void_v<Sent>, std::monostate, Sent>;

  void set(type value) { value_.emplace(std::move(value)); }
  auto take() noexcept {
    if constexpr (!std::is_void_v<Sent>) return std::exchange(value_, std::nullopt);
  }

 private:
  std::optional<type> value_;
};

}  // namespace weft::coro::detail
