#include "actors/coro/sleep.hpp"

#include "tests/actors/coro/coroutine_host.hpp"

namespace weft::coro {
namespace {

using namespace std::chrono_literals;

using outcome = std::expected<void, cancel_reason>;

class a_sleep : public coroutine_host {};

task<> sleep_then_note(cancel_scope ctx, clock::duration time, std::optional<outcome>* result) {
  result->emplace(co_await sleep_for(ctx, time));
}

TEST_F(a_sleep, ends_when_its_time_has_come_and_not_before) {
  std::optional<outcome> result;
  spawn(sleep_then_note(cancel_scope(run()), 200ms, &result));
  advance(199ms);
  EXPECT_FALSE(result);
  advance(1ms);
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->has_value());
}

task<> note_order(cancel_scope ctx, clock::duration time, int number, std::vector<int>* order) {
  co_await sleep_for(ctx, time);
  order->push_back(number);
}

TEST_F(a_sleep, of_several_ends_in_the_order_of_their_times) {
  std::vector<int> order;
  const cancel_scope ctx(run());
  spawn(note_order(ctx, 3h, 3, &order));
  spawn(note_order(ctx, 20ms, 1, &order));
  spawn(note_order(ctx, 90s, 2, &order));
  advance(4h);
  EXPECT_THAT(order, testing::ElementsAre(1, 2, 3));
}

TEST_F(a_sleep, of_no_time_lets_others_run_first_but_needs_no_time) {
  std::optional<outcome> result;
  roots().spawn(sleep_then_note(cancel_scope(run()), -5s, &result));
  EXPECT_FALSE(result);
  advance(0ms);
  EXPECT_TRUE(result);
}

TEST_F(a_sleep, of_endless_time_ends_by_cancellation) {
  std::optional<outcome> result;
  const cancel_scope ctx(run());
  spawn(sleep_then_note(ctx, clock::duration::max(), &result));
  advance(24h * 365 * 10);
  EXPECT_FALSE(result);
  ctx.cancel(cancel_reason::shutting_down);
  run_ready();
  EXPECT_EQ(result, outcome(std::unexpected(cancel_reason::shutting_down)));
}

TEST_F(a_sleep, yields_the_reason_when_it_is_cancelled) {
  std::optional<outcome> result;
  const cancel_scope ctx(run());
  spawn(sleep_then_note(ctx, 1s, &result));
  ctx.cancel(cancel_reason::cancelled_by_caller);
  EXPECT_FALSE(result) << "cancel must not run the sleeper on its own stack";
  run_ready();
  EXPECT_EQ(result, outcome(std::unexpected(cancel_reason::cancelled_by_caller)));
  advance(2s);
}

TEST_F(a_sleep, does_not_start_in_a_cancelled_context) {
  std::optional<outcome> result;
  const cancel_scope ctx(run());
  ctx.cancel(cancel_reason::disconnected);
  roots().spawn(sleep_then_note(ctx, 1s, &result));
  EXPECT_EQ(result, outcome(std::unexpected(cancel_reason::disconnected)));
}

TEST_F(a_sleep, is_cut_short_by_the_deadline) {
  std::optional<outcome> result;
  spawn(sleep_then_note(cancel_scope(run(), now() + 100ms), 1h, &result));
  advance(100ms);
  EXPECT_EQ(result, outcome(std::unexpected(cancel_reason::deadline_exceeded)));
}

TEST_F(a_sleep, that_is_cancelled_and_over_in_the_same_turn_ends_once) {
  std::vector<int> order;
  const cancel_scope first(run());
  const cancel_scope second(run());
  // The first sleeper cancels the second, whose own timer is due in the same turn.
  spawn([](cancel_scope mine, cancel_scope other, std::vector<int>* ended) -> task<> {
    co_await sleep_for(mine, 10ms);
    other.cancel(cancel_reason::superseded);
    ended->push_back(1);
  }(first, second, &order));
  spawn(note_order(second, 10ms, 2, &order));
  advance(10ms);
  EXPECT_THAT(order, testing::ElementsAre(1, 2));
}

TEST_F(a_sleep, whose_frame_is_destroyed_disarms_its_timer) {
  std::optional<outcome> result;
  int alive = 0;
  {
    scope tasks(run(), nullptr);
    tasks.spawn([](probe, cancel_scope ctx, std::optional<outcome>* out) -> task<> {
      co_await sleep_then_note(ctx, 1s, out);
    }(probe(&alive), cancel_scope(run()), &result));
    EXPECT_EQ(alive, 1);
  }
  EXPECT_EQ(alive, 0);
  advance(2s);
  EXPECT_FALSE(result);
}

}  // namespace
}  // namespace weft::coro
