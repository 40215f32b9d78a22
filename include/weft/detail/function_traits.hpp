// What a function that is registered as a method takes and returns.
#pragma once

#include <expected>
#include <tuple>
#include <type_traits>
#include <utility>

#include "actors/coro/async_generator.hpp"
#include "weft/call_context.hpp"

namespace weft::detail {

template <class T>
struct returned {
  using type = T;
  static constexpr bool is_coroutine = false;
};
template <class T>
struct returned<coro::task<T>> {
  using type = T;
  static constexpr bool is_coroutine = true;
};
template <class T, class S>
struct returned<coro::async_generator<T, S>> {
  using type = T;
  static constexpr bool is_coroutine = true;
  static constexpr bool is_stream = true;
  using sent_type = S;
};

/// The `T` of `T`, `result<T>` and `std::expected<T, error>`.
template <class T>
struct value_of {
  using type = T;
};
template <class T>
struct value_of<result<T>> {
  using type = T;
};
template <class T>
struct value_of<std::expected<T, error>> {
  using type = T;
};

template <class R, class... Args>
struct signature_of {
  using result_type = R;
  using returned_type = typename returned<R>::type;
  using value_type = typename value_of<returned_type>::type;
  using arguments = std::tuple<std::decay_t<Args>...>;
  static constexpr bool is_coroutine = returned<R>::is_coroutine;
  static constexpr bool is_stream = requires { returned<R>::is_stream; };
  static constexpr bool takes_context = false;
  static_assert(!is_coroutine || (!std::is_reference_v<Args> && ...),
                "a coroutine takes values: what a reference refers to may be gone after a suspension");
};
template <class R, class... Args>
struct signature_of<R, call_context, Args...> : signature_of<R, Args...> {
  static constexpr bool takes_context = true;
};

template <class F>
struct function_traits : function_traits<decltype(&F::operator())> {};
template <class R, class... Args>
struct function_traits<R (*)(Args...)> : signature_of<R, Args...> {};
template <class R, class... Args>
struct function_traits<R (*)(Args...) noexcept> : signature_of<R, Args...> {};
template <class C, class R, class... Args>
struct function_traits<R (C::*)(Args...)> : signature_of<R, Args...> {};
template <class C, class R, class... Args>
struct function_traits<R (C::*)(Args...) const> : signature_of<R, Args...> {};
template <class C, class R, class... Args>
struct function_traits<R (C::*)(Args...) noexcept> : signature_of<R, Args...> {};
template <class C, class R, class... Args>
struct function_traits<R (C::*)(Args...) const noexcept> : signature_of<R, Args...> {};

}  // namespace weft::detail
