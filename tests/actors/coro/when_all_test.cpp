#include "actors/coro/when_all.hpp"

#include <memory>
#include <stdexcept>

#include "actors/coro/completion.hpp"
#include "actors/coro/sleep.hpp"
#include "tests/actors/coro/coroutine_host.hpp"

namespace weft::coro {
namespace {

using namespace std::chrono_literals;

class when_all_of : public coroutine_host {};

task<int> value_after(cancel_scope ctx, clock::duration time, int value) {
  const auto slept = co_await sleep_for(ctx, time);
  co_return slept ? value : -value;
}
task<int> at_once(int value) {
  co_return value;
}
task<> nothing() {
  co_return;
}
task<std::unique_ptr<int>> boxed(int value) {
  co_return std::make_unique<int>(value);
}

TEST_F(when_all_of, several_tasks_runs_them_at_the_same_time) {
  std::optional<int> sum;
  spawn(store(
      [](cancel_scope ctx) -> task<int> {
        auto [a, b, c, d] = co_await when_all(value_after(ctx, 2s, 1), at_once(10), nothing(), boxed(100));
        co_return a + b + *d;
      }(cancel_scope(run())),
      &sum));
  advance(1999ms);
  EXPECT_FALSE(sum);
  advance(1ms);
  EXPECT_EQ(sum, 111);
}

task<std::vector<int>> staggered(cancel_scope ctx, int n) {
  std::vector<task<int>> tasks;
  for (int i = 1; i <= n; ++i) tasks.push_back(value_after(ctx, 10ms * (n - i), i));
  co_return co_await when_all(std::move(tasks));
}

TEST_F(when_all_of, a_vector_yields_the_results_in_the_order_of_the_tasks) {
  std::optional<std::vector<int>> results;
  spawn(store(staggered(cancel_scope(run()), 4), &results));
  advance(1s);
  ASSERT_TRUE(results);
  EXPECT_THAT(*results, testing::ElementsAre(1, 2, 3, 4));
}

TEST_F(when_all_of, nothing_is_done_at_once) {
  bool ended = false;
  roots().spawn(note_end(
      []() -> task<> {
        co_await when_all();
        co_await when_all(std::vector<task<>>());
      }(),
      &ended));
  EXPECT_TRUE(ended);
}

task<> fail_after(cancel_scope ctx, clock::duration time, std::string message) {
  co_await sleep_for(ctx, time);
  throw std::runtime_error(message);
}

TEST_F(when_all_of, failing_tasks_throws_the_first_exception_after_all_have_finished) {
  bool slow_one_ended = false;
  spawn([](cancel_scope ctx, bool* ended) -> task<> {
    std::vector<task<>> tasks;
    tasks.push_back(fail_after(ctx, 20ms, "second"));
    tasks.push_back(fail_after(ctx, 10ms, "first"));
    tasks.push_back([](cancel_scope c, bool* e) -> task<> {
      co_await sleep_for(c, 30ms);
      *e = true;
    }(ctx, ended));
    co_await when_all(std::move(tasks));
  }(cancel_scope(run()), &slow_one_ended));
  advance(29ms);
  EXPECT_THAT(state().errors, testing::IsEmpty());
  advance(1ms);
  EXPECT_TRUE(slow_one_ended);
  EXPECT_THAT(state().errors, testing::ElementsAre("first"));
}

TEST_F(when_all_of, tasks_whose_context_is_cancelled_ends_when_they_do) {
  std::optional<std::vector<int>> results;
  const cancel_scope ctx(run());
  spawn(store(staggered(ctx, 3), &results));
  advance(10ms);
  EXPECT_FALSE(results);
  ctx.cancel(cancel_reason::disconnected);
  run_ready();
  ASSERT_TRUE(results);
  EXPECT_THAT(*results, testing::ElementsAre(-1, 2, 3));
}

TEST_F(when_all_of, suspended_tasks_is_destroyed_with_all_their_frames) {
  int alive = 0;
  constexpr auto hold = [](probe, cancel_scope ctx) -> task<> { co_await sleep_for(ctx, 1h); };
  {
    scope tasks(run(), nullptr);
    tasks.spawn([](probe p, cancel_scope ctx, auto make) -> task<> {
      co_await when_all(make(p, ctx), make(p, ctx));
    }(probe(&alive), cancel_scope(run()), hold));
    EXPECT_EQ(alive, 3);
  }
  EXPECT_EQ(alive, 0);
  advance(2h);
}

TEST_F(when_all_of, a_hundred_thousand_tasks_does_not_use_stack_for_each) {
  completion<void> start;
  bool ended = false;
  spawn(note_end(
      [](cancel_scope ctx, completion<void>* go) -> task<> {
        std::vector<task<>> tasks;
        for (int i = 0; i != 100'000; ++i) tasks.push_back(nothing());
        co_await go->wait(ctx);
        co_await when_all(std::move(tasks));
      }(cancel_scope(run()), &start),
      &ended));
  EXPECT_FALSE(ended);
  start.set();
  run_ready();
  EXPECT_TRUE(ended);
}

}  // namespace
}  // namespace weft::coro
