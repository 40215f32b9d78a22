#include "actors/coro/async_generator.hpp"

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "actors/coro/sleep.hpp"
#include "tests/actors/coro/coroutine_host.hpp"

namespace weft::coro {
namespace {

using namespace std::chrono_literals;

class an_async_generator : public coroutine_host {};

static_assert(!std::is_copy_constructible_v<async_generator<int>>);
static_assert(std::is_nothrow_move_constructible_v<async_generator<int>>);

async_generator<int> up_to(int end) {
  for (int i = 0; i != end; ++i) co_yield i;
}

/// Yields each number after a second; `alive` shows whether the frame exists.
async_generator<int> ticks(probe, cancel_scope ctx, int end) {
  for (int i = 0; i != end; ++i) {
    if (!co_await sleep_for(ctx, 1s)) co_return;
    co_yield i;
  }
}

template <class T>
task<> collect(async_generator<T> items, std::vector<T>* seen, bool* ended) {
  while (std::optional<T> item = co_await items.next()) seen->push_back(std::move(*item));
  *ended = true;
}

template <class T, class Sent>
task<> take_next(async_generator<T, Sent>* items, std::optional<T>* item) {
  *item = co_await items->next();
}

TEST_F(an_async_generator, yields_its_items_in_order_and_then_nothing) {
  std::vector<int> seen;
  bool ended = false;
  spawn(collect(up_to(3), &seen, &ended));
  EXPECT_THAT(seen, testing::ElementsAre(0, 1, 2));
  EXPECT_TRUE(ended);
}

TEST_F(an_async_generator, that_has_ended_goes_on_yielding_nothing) {
  int nothings = 0;
  spawn([](int* count) -> task<> {
    auto items = up_to(0);
    for (int i = 0; i != 3; ++i) *count += !(co_await items.next()).has_value();
    co_await items.aclose();
    *count += !(co_await items.athrow(std::runtime_error("too late"))).has_value();
  }(&nothings));
  EXPECT_EQ(nothings, 4);
  EXPECT_THAT(state().errors, testing::IsEmpty());
}

TEST_F(an_async_generator, runs_only_as_far_as_it_is_asked) {
  std::vector<int> reached;
  constexpr auto body = [](std::vector<int>* at) -> async_generator<int> {
    for (int i = 0;; ++i) {
      at->push_back(i);
      co_yield i;
    }
  };
  auto items = body(&reached);
  EXPECT_THAT(reached, testing::IsEmpty());
  std::optional<int> item;
  spawn(take_next(&items, &item));
  EXPECT_EQ(item, 0);
  EXPECT_THAT(reached, testing::ElementsAre(0));
}

TEST_F(an_async_generator, awaits_between_its_items) {
  int alive = 0;
  std::vector<int> seen;
  bool ended = false;
  spawn(collect(ticks(probe(&alive), cancel_scope(run()), 2), &seen, &ended));
  EXPECT_THAT(seen, testing::IsEmpty());
  advance(1s);
  EXPECT_THAT(seen, testing::ElementsAre(0));
  advance(1s);
  EXPECT_THAT(seen, testing::ElementsAre(0, 1));
  EXPECT_TRUE(ended);
  EXPECT_EQ(alive, 0);
}

TEST_F(an_async_generator, is_cancelled_with_the_context_of_its_body) {
  int alive = 0;
  std::vector<int> seen;
  bool ended = false;
  const cancel_scope ctx(run());
  spawn(collect(ticks(probe(&alive), ctx, 5), &seen, &ended));
  advance(1s);
  ctx.cancel(cancel_reason::cancelled_by_caller);
  run_ready();
  EXPECT_THAT(seen, testing::ElementsAre(0));
  EXPECT_TRUE(ended);
}

async_generator<std::unique_ptr<int>> boxes() {
  co_yield std::make_unique<int>(7);
  std::unique_ptr<int> named(new int(8));
  co_yield std::move(named);
}

TEST_F(an_async_generator, yields_items_that_only_move) {
  std::vector<std::unique_ptr<int>> seen;
  bool ended = false;
  spawn(collect(boxes(), &seen, &ended));
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_EQ(*seen[0] + *seen[1], 15);
}

async_generator<int> breaks_after(int end) {
  for (int i = 0; i != end; ++i) co_yield i;
  throw std::runtime_error("broken");
}

TEST_F(an_async_generator, throws_what_leaves_its_body_from_the_step_once) {
  std::vector<std::string> steps;
  spawn([](std::vector<std::string>* seen) -> task<> {
    auto items = breaks_after(1);
    for (int i = 0; i != 3; ++i) {
      try {
        seen->push_back(co_await items.next() ? "item" : "end");
      } catch (const std::runtime_error& e) {
        seen->emplace_back(e.what());
      }
    }
  }(&steps));
  EXPECT_THAT(steps, testing::ElementsAre("item", "broken", "end"));
}

async_generator<std::string, int> echo() {
  std::string last = "started";
  for (;;) {
    const std::optional<int> sent = co_yield last;
    last = sent ? std::to_string(*sent) : "nothing";
  }
}

TEST_F(an_async_generator, is_sent_values_that_its_yields_yield) {
  std::vector<std::string> seen;
  spawn([](std::vector<std::string>* items) -> task<> {
    auto gen = echo();
    items->push_back((co_await gen.next()).value());
    items->push_back((co_await gen.asend(5)).value());
    items->push_back((co_await gen.next()).value());
    items->push_back((co_await gen.asend(6)).value());
  }(&seen));
  EXPECT_THAT(seen, testing::ElementsAre("started", "5", "nothing", "6"));
}

TEST_F(an_async_generator, takes_no_value_before_its_first_item) {
  spawn([]() -> task<> {
    auto gen = echo();
    co_await gen.asend(5);
  }());
  EXPECT_THAT(state().errors, testing::ElementsAre(testing::HasSubstr("not started")));
}

/// Goes on after errors, which it counts; `cleaned` counts how often it was left.
async_generator<int> stubborn(int* cleaned) {
  struct cleanup {
    int* count;
    ~cleanup() { ++*count; }
  } at_end{cleaned};
  int caught = 0;
  for (;;) {
    try {
      co_yield caught;
    } catch (const std::runtime_error&) {
      ++caught;
    }
  }
}

TEST_F(an_async_generator, catches_what_is_thrown_into_it_and_goes_on) {
  int cleaned = 0;
  std::vector<int> seen;
  spawn([](int* left, std::vector<int>* items) -> task<> {
    auto gen = stubborn(left);
    items->push_back((co_await gen.next()).value());
    items->push_back((co_await gen.athrow(std::runtime_error("one"))).value());
    items->push_back((co_await gen.athrow(std::runtime_error("two"))).value());
    items->push_back((co_await gen.next()).value());
  }(&cleaned, &seen));
  EXPECT_THAT(seen, testing::ElementsAre(0, 1, 2, 2));
  EXPECT_EQ(cleaned, 1);
}

TEST_F(an_async_generator, hands_back_what_is_thrown_into_it_and_not_caught) {
  int cleaned = 0;
  std::vector<std::string> steps;
  spawn([](int* left, std::vector<std::string>* seen) -> task<> {
    auto gen = stubborn(left);
    co_await gen.next();
    try {
      co_await gen.athrow(std::out_of_range("too far"));
    } catch (const std::out_of_range& e) {
      seen->emplace_back(e.what());
    }
    seen->push_back(co_await gen.next() ? "item" : "end");
  }(&cleaned, &steps));
  EXPECT_THAT(steps, testing::ElementsAre("too far", "end"));
  EXPECT_EQ(cleaned, 1);
}

TEST_F(an_async_generator, that_has_not_started_does_not_run_its_body_for_an_error) {
  int cleaned = 0;
  std::vector<std::string> steps;
  spawn([](int* left, std::vector<std::string>* seen) -> task<> {
    auto gen = stubborn(left);
    try {
      co_await gen.athrow(std::runtime_error("early"));
    } catch (const std::runtime_error& e) {
      seen->emplace_back(e.what());
    }
    seen->push_back(co_await gen.next() ? "item" : "end");
  }(&cleaned, &steps));
  EXPECT_THAT(steps, testing::ElementsAre("early", "end"));
  EXPECT_EQ(cleaned, 0);
}

TEST_F(an_async_generator, cleans_up_when_it_is_closed) {
  int cleaned = 0;
  int cleaned_at_close = 0;
  bool ended = false;
  spawn([](int* left, int* left_at_close, bool* has_ended) -> task<> {
    auto gen = stubborn(left);
    co_await gen.next();
    co_await gen.aclose();
    *left_at_close = *left;
    co_await gen.aclose();
    *has_ended = !(co_await gen.next()).has_value();
  }(&cleaned, &cleaned_at_close, &ended));
  EXPECT_EQ(cleaned_at_close, 1);
  EXPECT_EQ(cleaned, 1);
  EXPECT_TRUE(ended);
}

TEST_F(an_async_generator, that_is_closed_before_it_started_does_not_run) {
  int cleaned = 0;
  bool ended = false;
  spawn([](int* left, bool* has_ended) -> task<> {
    auto gen = stubborn(left);
    co_await gen.aclose();
    *has_ended = !(co_await gen.next()).has_value();
  }(&cleaned, &ended));
  EXPECT_EQ(cleaned, 0);
  EXPECT_TRUE(ended);
}

async_generator<int> closes_slowly(cancel_scope ctx, std::vector<std::string>* steps) {
  bool leaving = false;
  try {
    co_yield 1;
  } catch (const generator_exit&) {
    leaving = true;
  }
  co_await sleep_for(ctx, 2s);
  if (leaving) steps->emplace_back("left");
}

TEST_F(an_async_generator, may_await_while_it_is_closed) {
  std::vector<std::string> steps;
  spawn([](cancel_scope ctx, std::vector<std::string>* seen) -> task<> {
    auto gen = closes_slowly(ctx, seen);
    co_await gen.next();
    co_await gen.aclose();
    seen->emplace_back("closed");
  }(cancel_scope(run()), &steps));
  EXPECT_THAT(steps, testing::IsEmpty());
  advance(2s);
  EXPECT_THAT(steps, testing::ElementsAre("left", "closed"));
}

async_generator<int> ignores_exit() {
  try {
    co_yield 1;
  } catch (const generator_exit&) {
  }
  co_yield 2;
}
async_generator<int> fails_at_exit() {
  try {
    co_yield 1;
  } catch (const generator_exit&) {
    throw std::runtime_error("cleanup failed");
  }
}

task<> close_after_one(async_generator<int> gen) {
  co_await gen.next();
  co_await gen.aclose();
}

TEST_F(an_async_generator, that_yields_while_it_is_closed_is_an_error) {
  spawn(close_after_one(ignores_exit()));
  EXPECT_THAT(state().errors, testing::ElementsAre(testing::HasSubstr("while it was closed")));
}

TEST_F(an_async_generator, throws_what_its_cleanup_throws_from_closing) {
  spawn(close_after_one(fails_at_exit()));
  EXPECT_THAT(state().errors, testing::ElementsAre("cleanup failed"));
}

TEST_F(an_async_generator, does_not_let_two_wait_at_once) {
  int alive = 0;
  auto items = ticks(probe(&alive), cancel_scope(run()), 5);
  std::optional<int> first;
  std::optional<int> second;
  spawn(take_next(&items, &first));
  spawn(take_next(&items, &second));
  spawn([](async_generator<int>* gen) -> task<> { co_await gen->aclose(); }(&items));
  EXPECT_THAT(state().errors,
              testing::ElementsAre(testing::HasSubstr("is running"), testing::HasSubstr("is running")));
  advance(1s);
  EXPECT_EQ(first, 0);
  EXPECT_EQ(second, std::nullopt);
}

TEST_F(an_async_generator, cleans_up_when_it_is_dropped_at_a_yield) {
  int cleaned = 0;
  {
    auto gen = stubborn(&cleaned);
    std::optional<int> item;
    spawn(take_next(&gen, &item));
    EXPECT_EQ(item, 0);
    EXPECT_EQ(cleaned, 0);
  }
  EXPECT_EQ(cleaned, 1);
}

TEST_F(an_async_generator, is_destroyed_with_the_frame_that_waits_for_it) {
  int alive = 0;
  std::vector<int> seen;
  bool ended = false;
  auto tasks = std::make_unique<scope>(run(), nullptr);
  tasks->spawn(collect(ticks(probe(&alive), cancel_scope(run()), 5), &seen, &ended));
  EXPECT_EQ(alive, 1);
  tasks.reset();
  EXPECT_EQ(alive, 0);
  advance(2s);
  EXPECT_THAT(seen, testing::IsEmpty());
}

TEST_F(an_async_generator, that_is_destroyed_does_not_resume_who_waits_for_it) {
  int alive = 0;
  std::optional<int> item;
  auto tasks = std::make_unique<scope>(run(), nullptr);
  {
    auto items = ticks(probe(&alive), cancel_scope(run()), 5);
    tasks->spawn(take_next(&items, &item));
  }
  EXPECT_EQ(alive, 0);
  advance(2s);
  EXPECT_EQ(item, std::nullopt);
  EXPECT_EQ(tasks->running(), 1U);
}

TEST_F(an_async_generator, keeps_the_item_for_which_nobody_waits_any_more) {
  int alive = 0;
  auto items = ticks(probe(&alive), cancel_scope(run()), 5);
  std::optional<int> lost;
  std::optional<int> first;
  std::optional<int> second;
  auto tasks = std::make_unique<scope>(run(), nullptr);
  tasks->spawn(take_next(&items, &lost));
  tasks.reset();
  advance(1s);
  spawn(take_next(&items, &first));
  EXPECT_EQ(first, 0);
  spawn(take_next(&items, &second));
  advance(1s);
  EXPECT_EQ(second, 1);
  EXPECT_EQ(lost, std::nullopt);
}

TEST_F(an_async_generator, whose_step_was_abandoned_is_waited_for_again) {
  int alive = 0;
  auto items = ticks(probe(&alive), cancel_scope(run()), 5);
  std::optional<int> lost;
  std::optional<int> item;
  auto tasks = std::make_unique<scope>(run(), nullptr);
  tasks->spawn(take_next(&items, &lost));
  tasks.reset();
  spawn(take_next(&items, &item));
  EXPECT_EQ(item, std::nullopt);
  advance(1s);
  EXPECT_EQ(item, 0);
}

async_generator<int> doubled(async_generator<int> inner) {
  while (const auto item = co_await inner.next()) co_yield 2 * *item;
}

TEST_F(an_async_generator, passes_a_million_items_through_another_without_using_stack) {
  constexpr int million = 1'000'000;
  std::optional<std::int64_t> sum;
  spawn(store(
      [](async_generator<int> items) -> task<std::int64_t> {
        std::int64_t total = 0;
        while (const auto item = co_await items.next()) total += *item;
        co_return total;
      }(doubled(up_to(million))),
      &sum));
  EXPECT_EQ(sum, std::int64_t{million} * (million - 1));
}

}  // namespace
}  // namespace weft::coro
