// when_any: runs tasks concurrently, takes the first one to finish and cancels the others.
//
//     cancel scope race = ctx.child();
//     auto won = co_await when_any(race, f(race), g(race));    // won.index, std::get<0>(won.value)
//     auto fastest = co_await when_any(race, std::move(tasks));  // fastest.index, fastest.value
//
// `race` is the child cancel scope that the tasks were given; it is cancelled with `superseded` when the
// first task has finished, and the others are awaited: nothing outlives the call. They are started in order;
// when one finishes without being suspended, those after it are not started at all. Destroying the waiting
// frame destroys the tasks.
//
// Errors: an exception of any task, winner or loser, is thrown again after all have finished. An empty vector
// throws std::invalid_argument.
//
// Thread safety: none; the tasks belong to one actor.
#pragma once

#include <cstddef>
#include <optional>
#include <stdexcept>
#include <utility>
#include <variant>
#include <vector>

#include "actors/coro/cancel_scope.hpp"
#include "actors/coro/latch.hpp"
#include "actors/coro/task.hpp"

namespace weft::coro {

/// T is a variant with one alternative per task, or the common type of a vector's tasks; std::monostate for
/// no value.
template <class T>
struct when_any_result {
  std::size_t index;
  T value;
};

namespace detail {

class race final : public latch {
 public:
  explicit race(cancel_scope losers) noexcept : losers_(std::move(losers)) {}

  template <class T>
  void start(task<T>& t) {
    if (winner_ == nullptr) latch::start(t);
  }
  template <class T>
  bool won_by(task<T>& t) const noexcept {
    return &task_access::promise_of(t) == winner_;
  }

 private:
  void on_finished(const promise_base& finished) noexcept override {
    if (winner_ != nullptr) return;
    winner_ = &finished;
    losers_.cancel(cancel_reason::superseded);
  }

  cancel_scope losers_;
  const promise_base* winner_ = nullptr;
};

template <class Variant, std::size_t... I, class... Ts>
when_any_result<Variant> take_winner(const race& r, std::index_sequence<I...>, task<Ts>&... tasks) {
  std::optional<when_any_result<Variant>> result;
  ((r.won_by(tasks) && (result.emplace(I, Variant(std::in_place_index<I>, latch::take(tasks))), true)) ||
   ...);
  return std::move(*result);
}

}  // namespace detail

template <class First, class... Ts>
task<when_any_result<std::variant<detail::joined_value<First>, detail::joined_value<Ts>...>>> when_any(
    cancel_scope losers, task<First> first, task<Ts>... others) {
  using variant = std::variant<detail::joined_value<First>, detail::joined_value<Ts>...>;
  detail::race r(std::move(losers));
  r.start(first);
  (r.start(others), ...);
  co_await r;
  co_return detail::take_winner<variant>(r, std::index_sequence_for<First, Ts...>(), first, others...);
}

template <class T>
task<when_any_result<detail::joined_value<T>>> when_any(cancel_scope losers, std::vector<task<T>> tasks) {
  if (tasks.empty()) throw std::invalid_argument("when_any got no tasks; it needs at least one");
  detail::race r(std::move(losers));
  for (auto& t : tasks) r.start(t);
  co_await r;
  std::size_t winner = 0;
  while (!r.won_by(tasks[winner])) ++winner;
  co_return when_any_result<detail::joined_value<T>>{winner, detail::latch::take(tasks[winner])};
}

}  // namespace weft::coro
