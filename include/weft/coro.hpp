// Coroutines: tasks, and what they wait for.
//
//     weft::task<int> f(weft::call_context ctx);
//     auto [a, b] = co_await weft::when_all(f(ctx), g(ctx));
//     std::vector<int> all = co_await weft::when_all(ids | std::views::transform(ask));
//
// A coroutine is a free or static function that takes values: references and captures may be gone when it
// goes on.
#pragma once

#include <ranges>
#include <type_traits>
#include <utility>
#include <vector>

#include "actors/coro/cancel_scope.hpp"
#include "actors/coro/sleep.hpp"
#include "actors/coro/task.hpp"
#include "actors/coro/when_all.hpp"
#include "actors/coro/when_any.hpp"

namespace weft {

template <class T = void>
using task = coro::task<T>;
using coro::cancel_reason;
using coro::sleep_for;
using coro::sleep_until;
using coro::when_all;
using coro::when_any;

namespace detail {

template <class T>
coro::task<T> as_task(coro::task<T> t) {
  return t;
}

template <class T>
inline constexpr bool is_vector_of_tasks = false;
template <class T>
inline constexpr bool is_vector_of_tasks<std::vector<coro::task<T>>> = true;

}  // namespace detail

/// For coroutines that run on a reactor but belong to no call; ends with the reactor's service or client.
/// Throws std::logic_error on another thread.
coro::sleep_awaiter sleep_for(coro::clock::duration time);

/// Awaits everything that a range holds or makes: tasks, or calls.
template <std::ranges::input_range Range>
  requires(!detail::is_vector_of_tasks<std::remove_cvref_t<Range>>)
auto when_all(Range&& range) {
  using detail::as_task;
  using started = decltype(as_task(std::declval<std::ranges::range_value_t<Range>>()));
  std::vector<started> tasks;
  for (auto&& each : range) {
    // A view that makes its elements gives each away, a container keeps its own.
    tasks.push_back(as_task(std::move(each)));
  }
  return coro::when_all(std::move(tasks));
}

}  // namespace weft
