// The promise of a generator: its body, what it returns, and delegation to another generator.
#pragma once

#include <coroutine>
#include <optional>
#include <type_traits>
#include <utility>

#include "actors/coro/generator_body.hpp"
#include "actors/coro/generator_exit.hpp"

namespace weft::coro {

template <class T, class Sent, class Result>
class generator;
template <class T, class Sent, class Result>
struct elements_of;

namespace detail {

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
