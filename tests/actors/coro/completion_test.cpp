#include "actors/coro/completion.hpp"

#include <memory>

#include "tests/actors/coro/coroutine_host.hpp"

namespace weft::coro {
namespace {

using namespace std::chrono_literals;

template <class T>
using outcome = std::expected<T, cancel_reason>;

class a_completion : public coroutine_host {};

template <class T>
task<> wait_for(completion<T>* slot, cancel_scope ctx, std::optional<outcome<T>>* result) {
  result->emplace(co_await slot->wait(ctx));
}

TEST_F(a_completion, hands_over_a_value_that_only_moves) {
  completion<std::unique_ptr<int>> slot;
  std::optional<outcome<std::unique_ptr<int>>> result;
  spawn(wait_for(&slot, cancel_scope(run()), &result));
  EXPECT_TRUE(slot.set(std::make_unique<int>(7)));
  EXPECT_FALSE(result) << "set must not run the waiter on its own stack";
  run_ready();
  ASSERT_TRUE(result && *result);
  EXPECT_EQ(***result, 7);
}

TEST_F(a_completion, that_is_set_already_does_not_suspend_even_when_cancelled) {
  completion<int> slot;
  slot.set(3);
  const cancel_scope ctx(run());
  ctx.cancel(cancel_reason::disconnected);
  std::optional<outcome<int>> result;
  roots().spawn(wait_for(&slot, ctx, &result));
  EXPECT_EQ(result, outcome<int>(3));
}

TEST_F(a_completion, is_set_once) {
  completion<int> slot;
  EXPECT_FALSE(slot.is_set());
  EXPECT_TRUE(slot.set(1));
  EXPECT_FALSE(slot.set(2));
  std::optional<outcome<int>> result;
  spawn(wait_for(&slot, cancel_scope(run()), &result));
  EXPECT_EQ(result, outcome<int>(1));
}

TEST_F(a_completion, without_a_value_is_an_event) {
  completion<void> slot;
  std::optional<outcome<void>> result;
  spawn(wait_for(&slot, cancel_scope(run()), &result));
  slot.set();
  run_ready();
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->has_value());
}

TEST_F(a_completion, yields_the_reason_when_its_context_is_cancelled_while_it_waits) {
  completion<int> slot;
  const cancel_scope ctx(run());
  std::optional<outcome<int>> result;
  spawn(wait_for(&slot, ctx, &result));
  ctx.cancel(cancel_reason::disconnected);
  EXPECT_FALSE(result) << "cancel must not run the waiter on its own stack";
  run_ready();
  EXPECT_EQ(result, outcome<int>(std::unexpected(cancel_reason::disconnected)));
}

TEST_F(a_completion, does_not_wait_in_a_cancelled_context) {
  completion<int> slot;
  const cancel_scope ctx(run());
  ctx.cancel(cancel_reason::shutting_down);
  std::optional<outcome<int>> result;
  roots().spawn(wait_for(&slot, ctx, &result));
  EXPECT_EQ(result, outcome<int>(std::unexpected(cancel_reason::shutting_down)));
}

TEST_F(a_completion, yields_deadline_exceeded_when_the_time_is_up) {
  completion<int> slot;
  std::optional<outcome<int>> result;
  spawn(wait_for(&slot, cancel_scope(run(), now() + 50ms), &result));
  advance(49ms);
  EXPECT_FALSE(result);
  advance(1ms);
  EXPECT_EQ(result, outcome<int>(std::unexpected(cancel_reason::deadline_exceeded)));
}

TEST_F(a_completion, prefers_the_value_when_it_is_set_and_cancelled_in_one_turn) {
  for (const bool cancel_first : {false, true}) {
    completion<int> slot;
    const cancel_scope ctx(run());
    std::optional<outcome<int>> result;
    spawn(wait_for(&slot, ctx, &result));
    if (cancel_first) ctx.cancel(cancel_reason::disconnected);
    slot.set(5);
    ctx.cancel(cancel_reason::disconnected);
    run_ready();
    EXPECT_EQ(result, outcome<int>(5));
  }
}

TEST_F(a_completion, that_dies_unset_leaves_its_waiter_to_the_context) {
  auto slot = std::make_unique<completion<int>>();
  const cancel_scope ctx(run());
  std::optional<outcome<int>> result;
  spawn(wait_for(slot.get(), ctx, &result));
  slot.reset();
  run_ready();
  EXPECT_FALSE(result);
  ctx.cancel(cancel_reason::disconnected);
  run_ready();
  EXPECT_EQ(result, outcome<int>(std::unexpected(cancel_reason::disconnected)));
}

TEST_F(a_completion, forgets_a_waiting_frame_that_is_destroyed) {
  completion<int> slot;
  const cancel_scope ctx(run());
  std::optional<outcome<int>> result;
  auto tasks = std::make_unique<scope>(run(), nullptr);
  tasks->spawn(wait_for(&slot, ctx, &result));
  tasks.reset();
  slot.set(1);
  ctx.cancel(cancel_reason::disconnected);
  run_ready();
  EXPECT_FALSE(result);
}

TEST_F(a_completion, takes_back_the_post_of_a_frame_that_is_destroyed_before_it_runs) {
  for (const bool by_cancel : {false, true}) {
    completion<int> slot;
    const cancel_scope ctx(run());
    std::optional<outcome<int>> result;
    auto tasks = std::make_unique<scope>(run(), nullptr);
    tasks->spawn(wait_for(&slot, ctx, &result));
    by_cancel ? ctx.cancel(cancel_reason::disconnected) : static_cast<void>(slot.set(1));
    tasks.reset();
    run_ready();
    EXPECT_FALSE(result);
  }
}

task<> echo_rounds(std::vector<std::unique_ptr<completion<int>>>* slots, cancel_scope ctx, int* sum) {
  for (const auto& slot : *slots) *sum += (co_await slot->wait(ctx)).value();
}

TEST_F(a_completion, resumes_its_waiter_every_time_in_a_row_of_waits) {
  std::vector<std::unique_ptr<completion<int>>> slots;
  for (int i = 0; i != 100; ++i) slots.push_back(std::make_unique<completion<int>>());
  int sum = 0;
  spawn(echo_rounds(&slots, cancel_scope(run()), &sum));
  for (const auto& slot : slots) {
    slot->set(2);
    run_ready();
  }
  EXPECT_EQ(sum, 200);
  EXPECT_EQ(roots().running(), 0U);
}

}  // namespace
}  // namespace weft::coro
