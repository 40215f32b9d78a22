// when_all: runs tasks concurrently and yields all results when every one of them has finished.
//
//     auto [a, b] = co_await when_all(f(ctx), g(ctx));
//     std::vector<int> results = co_await when_all(std::move(tasks));
//
// A task without a value contributes std::monostate to a tuple; a vector of such tasks yields nothing. The
// first exception is thrown again, but not before all have finished: nothing outlives the call. Destroying
// the waiting frame destroys the tasks. They are started in order, each running until it is suspended for the
// first time.
//
// Thread safety: none; the tasks belong to one actor.
#pragma once

#include <tuple>
#include <type_traits>
#include <vector>

#include "actors/coro/latch.hpp"
#include "actors/coro/task.hpp"

namespace weft::coro {

namespace detail {
class join final : public latch {};
}  // namespace detail

template <class... Ts>
task<std::tuple<detail::joined_value<Ts>...>> when_all(task<Ts>... tasks) {
  detail::join all;
  (all.start(tasks), ...);
  co_await all;
  co_return std::tuple<detail::joined_value<Ts>...>(detail::join::take(tasks)...);
}

template <class T>
task<std::conditional_t<std::is_void_v<T>, void, std::vector<detail::joined_value<T>>>> when_all(
    std::vector<task<T>> tasks) {
  detail::join all;
  for (auto& t : tasks) all.start(t);
  co_await all;
  if constexpr (!std::is_void_v<T>) {
    std::vector<T> results;
    results.reserve(tasks.size());
    for (auto& t : tasks) results.push_back(detail::join::take(t));
    co_return results;
  }
}

}  // namespace weft::coro
