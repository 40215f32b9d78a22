#include "actors/coro/when_any.hpp"

#include <memory>
#include <stdexcept>

#include "actors/coro/sleep.hpp"
#include "tests/actors/coro/coroutine_host.hpp"

namespace weft::coro {
namespace {

using namespace std::chrono_literals;

class when_any_of : public coroutine_host {};

struct runner {
  bool started = false;
  bool ended = false;
  std::optional<cancel_reason> reason;
};

task<int> compete(cancel_scope ctx, clock::duration time, int value, runner* r) {
  r->started = true;
  const auto slept = co_await sleep_for(ctx, time);
  if (!slept) r->reason = slept.error();
  r->ended = true;
  co_return value;
}

/// Needs time to clean up after a cancellation.
task<int> compete_slowly(cancel_scope ctx, cancel_scope cleanup, runner* r) {
  co_await sleep_for(ctx, 1h);
  co_await sleep_for(cleanup, 5s);
  r->ended = true;
  co_return 0;
}

TEST_F(when_any_of, two_tasks_yields_the_faster_and_cancels_the_slower) {
  runner slow;
  runner fast;
  std::optional<when_any_result<std::variant<int, int>>> won;
  const cancel_scope race = cancel_scope(run()).child();
  spawn(store(when_any(race, compete(race, 2s, 1, &slow), compete(race, 1s, 2, &fast)), &won));
  advance(1s);
  ASSERT_TRUE(won);
  EXPECT_EQ(won->index, 1U);
  EXPECT_EQ(std::get<1>(won->value), 2);
  EXPECT_TRUE(slow.ended);
  EXPECT_EQ(slow.reason, cancel_reason::superseded);
  EXPECT_EQ(fast.reason, std::nullopt);
}

TEST_F(when_any_of, several_returns_only_after_the_losers_have_finished) {
  runner fast;
  runner loser;
  std::optional<when_any_result<std::variant<int, int>>> won;
  const cancel_scope outer(run());
  const cancel_scope race = outer.child();
  spawn(store(when_any(race, compete(race, 1s, 1, &fast), compete_slowly(race, outer, &loser)), &won));
  advance(1s);
  EXPECT_TRUE(fast.ended);
  EXPECT_FALSE(won) << "the loser is still cleaning up";
  advance(5s);
  EXPECT_TRUE(loser.ended);
  ASSERT_TRUE(won);
  EXPECT_EQ(won->index, 0U);
}

TEST_F(when_any_of, a_task_that_is_done_at_once_does_not_start_those_after_it) {
  runner before;
  runner after;
  std::optional<when_any_result<std::variant<int, std::unique_ptr<int>, int>>> won;
  const cancel_scope race(run());
  constexpr auto immediate = []() -> task<std::unique_ptr<int>> { co_return std::make_unique<int>(9); };
  spawn(
      store(when_any(race, compete(race, 1s, 1, &before), immediate(), compete(race, 1s, 1, &after)), &won));
  ASSERT_TRUE(won);
  EXPECT_EQ(*std::get<1>(won->value), 9);
  EXPECT_EQ(before.reason, cancel_reason::superseded);
  EXPECT_FALSE(after.started);
}

TEST_F(when_any_of, a_vector_yields_index_and_value) {
  std::vector<runner> runners(3);
  std::optional<when_any_result<int>> won;
  const cancel_scope race(run());
  std::vector<task<int>> tasks;
  for (int i = 0; i != 3; ++i) {
    tasks.push_back(compete(race, i == 1 ? 10ms : 1h, 100 + i, &runners[static_cast<std::size_t>(i)]));
  }
  spawn(store(when_any(race, std::move(tasks)), &won));
  advance(10ms);
  ASSERT_TRUE(won);
  EXPECT_EQ(won->index, 1U);
  EXPECT_EQ(won->value, 101);
  EXPECT_TRUE(runners[0].ended && runners[2].ended);
}

TEST_F(when_any_of, tasks_without_a_value_yields_the_index) {
  std::optional<when_any_result<std::monostate>> won;
  const cancel_scope race(run());
  std::vector<task<>> tasks;
  tasks.push_back([](cancel_scope ctx) -> task<> { co_await sleep_for(ctx, 1s); }(race));
  spawn(store(when_any(race, std::move(tasks)), &won));
  advance(1s);
  ASSERT_TRUE(won);
  EXPECT_EQ(won->index, 0U);
}

TEST_F(when_any_of, tasks_whose_context_is_cancelled_from_outside_ends_with_the_first_of_them) {
  runner a;
  runner b;
  std::optional<when_any_result<std::variant<int, int>>> won;
  const cancel_scope outer(run());
  const cancel_scope race = outer.child();
  spawn(store(when_any(race, compete(race, 1s, 1, &a), compete(race, 1s, 2, &b)), &won));
  outer.cancel(cancel_reason::disconnected);
  run_ready();
  ASSERT_TRUE(won);
  EXPECT_EQ(a.reason, cancel_reason::disconnected);
  EXPECT_EQ(b.reason, cancel_reason::disconnected);
}

TEST_F(when_any_of, a_task_that_throws_throws_after_the_losers_have_finished) {
  runner loser;
  const cancel_scope outer(run());
  const cancel_scope race = outer.child();
  spawn([](cancel_scope mine, cancel_scope cleanup, runner* r) -> task<> {
    co_await when_any(mine, compete_slowly(mine, cleanup, r), [](cancel_scope ctx) -> task<> {
      co_await sleep_for(ctx, 1s);
      throw std::runtime_error("broken");
    }(mine));
  }(race, outer, &loser));
  advance(1s);
  EXPECT_THAT(state().errors, testing::IsEmpty());
  advance(5s);
  EXPECT_TRUE(loser.ended);
  EXPECT_THAT(state().errors, testing::ElementsAre("broken"));
}

TEST_F(when_any_of, an_empty_vector_says_what_it_needs) {
  spawn([](cancel_scope ctx) -> task<> {
    co_await when_any(ctx, std::vector<task<int>>());
  }(cancel_scope(run())));
  EXPECT_THAT(state().errors, testing::ElementsAre("when_any got no tasks; it needs at least one"));
}

TEST_F(when_any_of, suspended_tasks_is_destroyed_with_all_their_frames) {
  int alive = 0;
  constexpr auto hold = [](probe, cancel_scope ctx) -> task<> { co_await sleep_for(ctx, 1h); };
  {
    scope tasks(run(), nullptr);
    tasks.spawn([](probe p, cancel_scope ctx, auto make) -> task<> {
      co_await when_any(ctx, make(p, ctx), make(p, ctx));
    }(probe(&alive), cancel_scope(run()), hold));
    EXPECT_EQ(alive, 3);
  }
  EXPECT_EQ(alive, 0);
}

}  // namespace
}  // namespace weft::coro
