#include "actors/coro/timeout.hpp"

#include <memory>
#include <stdexcept>

#include "tests/actors/coro/coroutine_host.hpp"

namespace weft::coro {
namespace {

using namespace std::chrono_literals;
using outcome = std::expected<int, cancel_reason>;

class a_timeout : public coroutine_host {};

/// Ends with -1 when it is cancelled; `alive` shows whether the frame exists.
task<int> work(probe, cancel_scope ctx, clock::duration time) {
  co_return co_await sleep_for(ctx, time) ? 7 : -1;
}
task<int> no_work() {
  co_return 3;
}

TEST_F(a_timeout, yields_what_is_done_in_time) {
  int alive = 0;
  std::optional<outcome> result;
  const cancel_scope ctx(run());
  spawn(store(timeout(ctx, 2s, work(probe(&alive), ctx, 1s)), &result));
  advance(1s);
  EXPECT_EQ(result, outcome(7));
  std::optional<outcome> at_once;
  spawn(store(timeout(ctx, 2s, no_work()), &at_once));
  EXPECT_EQ(at_once, outcome(3));
  EXPECT_EQ(alive, 0);
}

TEST_F(a_timeout, destroys_what_is_not_done_in_time) {
  int alive = 0;
  std::optional<outcome> result;
  const cancel_scope ctx(run());
  spawn(store(timeout(ctx, 2s, work(probe(&alive), ctx, 1h)), &result));
  advance(1999ms);
  EXPECT_FALSE(result);
  EXPECT_EQ(alive, 1);
  advance(1ms);
  EXPECT_EQ(result, outcome(std::unexpected(cancel_reason::deadline_exceeded)));
  EXPECT_EQ(alive, 0);
}

TEST_F(a_timeout, may_be_a_point_in_time) {
  int alive = 0;
  std::optional<outcome> result;
  const cancel_scope ctx(run());
  spawn(store(with_deadline(ctx, now() + 3s, work(probe(&alive), ctx, 1h)), &result));
  advance(3s);
  EXPECT_EQ(result, outcome(std::unexpected(cancel_reason::deadline_exceeded)));
}

TEST_F(a_timeout, of_endless_time_is_none) {
  int alive = 0;
  std::optional<outcome> result;
  const cancel_scope ctx(run());
  spawn(store(timeout(ctx, clock::duration::max(), work(probe(&alive), ctx, 24h)), &result));
  advance(24h);
  EXPECT_EQ(result, outcome(7));
}

TEST_F(a_timeout, that_has_passed_already_lets_work_run_until_it_waits) {
  int alive = 0;
  std::optional<outcome> result;
  const cancel_scope ctx(run());
  spawn(store(timeout(ctx, -1s, work(probe(&alive), ctx, 1s)), &result));
  advance(0s);
  EXPECT_EQ(result, outcome(std::unexpected(cancel_reason::deadline_exceeded)));
  std::optional<outcome> at_once;
  spawn(store(timeout(ctx, -1s, no_work()), &at_once));
  EXPECT_EQ(at_once, outcome(3));
}

TEST_F(a_timeout, prefers_what_the_work_makes_of_a_cancellation) {
  int alive = 0;
  std::optional<outcome> result;
  const cancel_scope ctx(run());
  spawn(store(timeout(ctx, 2s, work(probe(&alive), ctx, 1h)), &result));
  ctx.cancel(cancel_reason::disconnected);
  run_ready();
  EXPECT_EQ(result, outcome(-1));
}

TEST_F(a_timeout, ends_work_that_does_not_heed_a_cancellation) {
  int alive = 0;
  std::optional<outcome> result;
  const cancel_scope ctx(run());
  spawn(store(timeout(ctx, 2s, work(probe(&alive), cancel_scope(run()), 1h)), &result));
  ctx.cancel(cancel_reason::disconnected);
  run_ready();
  EXPECT_EQ(result, outcome(std::unexpected(cancel_reason::disconnected)));
  EXPECT_EQ(alive, 0);
}

TEST_F(a_timeout, in_the_turn_in_which_the_work_is_done_yields_once) {
  int alive = 0;
  std::optional<outcome> result;
  const cancel_scope ctx(run());
  spawn(store(timeout(ctx, 2s, work(probe(&alive), ctx, 2s)), &result));
  advance(2s);
  EXPECT_TRUE(result);
  EXPECT_EQ(alive, 0);
  advance(2s);
}

TEST_F(a_timeout, throws_what_the_work_throws) {
  constexpr auto broken = [](cancel_scope ctx) -> task<> {
    co_await sleep_for(ctx, 1s);
    throw std::runtime_error("broken");
  };
  spawn([](cancel_scope ctx, task<> inner) -> task<> { co_await timeout(ctx, 2s, std::move(inner)); }(
                                               cancel_scope(run()), broken(cancel_scope(run()))));
  advance(1s);
  EXPECT_THAT(state().errors, testing::ElementsAre("broken"));
}

TEST_F(a_timeout, is_destroyed_with_the_frame_that_waits_for_it) {
  int alive = 0;
  std::optional<outcome> result;
  auto tasks = std::make_unique<scope>(run(), nullptr);
  const cancel_scope ctx(run());
  tasks->spawn(store(timeout(ctx, 2s, work(probe(&alive), ctx, 1h)), &result));
  EXPECT_EQ(alive, 1);
  tasks.reset();
  EXPECT_EQ(alive, 0);
  advance(3s);
  EXPECT_FALSE(result);
}

}  // namespace
}  // namespace weft::coro
