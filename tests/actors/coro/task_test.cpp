#include "actors/coro/task.hpp"

#include <memory>
#include <stdexcept>
#include <type_traits>

#include "actors/coro/sleep.hpp"
#include "tests/actors/coro/coroutine_host.hpp"

namespace weft::coro {
namespace {

using namespace std::chrono_literals;

class a_task : public coroutine_host {};

static_assert(!std::is_copy_constructible_v<task<int>> && std::is_nothrow_move_constructible_v<task<int>>);
static_assert(!std::is_default_constructible_v<task<int>>);

template <class T>
concept awaitable_as_lvalue = requires(T& t) { t.operator co_await(); };
static_assert(!awaitable_as_lvalue<task<int>>, "awaiting takes the task's only result");

constexpr int million = 1'000'000;

task<int> one() {
  co_return 1;
}

task<> mark(bool* ran) {
  *ran = true;
  co_return;
}

task<> await_after(task<> t, bool* ran, bool* ran_before) {
  *ran_before = *ran;
  co_await std::move(t);
}

TEST_F(a_task, does_nothing_before_it_is_awaited) {
  bool ran = false;
  bool ran_before = true;
  roots().spawn(await_after(mark(&ran), &ran, &ran_before));
  EXPECT_FALSE(ran_before);
  EXPECT_TRUE(ran);
}

TEST_F(a_task, that_is_never_awaited_frees_its_frame_and_arguments) {
  int alive = 0;
  constexpr auto hold = [](probe, bool* ran) -> task<> {
    *ran = true;
    co_return;
  };
  bool ran = false;
  {
    const task<> t = hold(probe(&alive), &ran);
    EXPECT_EQ(alive, 1);
  }
  EXPECT_EQ(alive, 0);
  EXPECT_FALSE(ran);
}

TEST_F(a_task, that_is_assigned_to_frees_what_it_held) {
  int first = 0;
  int second = 0;
  constexpr auto hold = [](probe) -> task<> { co_return; };
  task<> t = hold(probe(&first));
  t = hold(probe(&second));
  EXPECT_EQ(first, 0);
  EXPECT_EQ(second, 1);
}

struct unmakeable {
  unmakeable() = delete;
  explicit unmakeable(int v) : value(v) {}
  int value;
};

task<std::unique_ptr<int>> boxed(int value) {
  co_return std::make_unique<int>(value);
}
task<unmakeable> without_default(int value) {
  co_return unmakeable(value);
}

task<int> sum_of_both() {
  const std::unique_ptr<int> a = co_await boxed(40);
  const unmakeable b = co_await without_default(2);
  co_return *a + b.value;
}

TEST_F(a_task, yields_values_that_only_move_and_values_without_a_default) {
  std::optional<int> sum;
  spawn(store(sum_of_both(), &sum));
  EXPECT_EQ(sum, 42);
}

task<int> throws() {
  throw std::runtime_error("broken");
  co_return 0;
}
task<int> through(task<int> inner) {
  co_return 1 + co_await std::move(inner);
}
task<std::string> caught() {
  try {
    co_await through(through(throws()));
  } catch (const std::runtime_error& e) {
    co_return e.what();
  }
  co_return "nothing was thrown";
}

TEST_F(a_task, passes_an_exception_through_three_levels) {
  std::optional<std::string> message;
  spawn(store(caught(), &message));
  EXPECT_EQ(message, "broken");
}

task<int> throws_after_sleep(cancel_scope ctx) {
  co_await sleep_for(ctx, 1s);
  co_return co_await throws();
}

TEST_F(a_task, passes_an_exception_through_three_levels_after_a_suspension) {
  spawn([](cancel_scope ctx) -> task<> {
    co_await through(through(throws_after_sleep(ctx)));
  }(cancel_scope(run())));
  EXPECT_THAT(state().errors, testing::IsEmpty());
  advance(1s);
  EXPECT_THAT(state().errors, testing::ElementsAre("broken"));
}

task<int> count_awaits(int n) {
  int sum = 0;
  for (int i = 0; i != n; ++i) sum += co_await one();
  co_return sum;
}

TEST_F(a_task, awaits_a_million_tasks_that_finish_at_once) {
  std::optional<int> sum;
  spawn(store(count_awaits(million), &sum));
  EXPECT_EQ(sum, million);
}

task<int> depth(int n) {
  if (n == 0) co_return 0;
  co_return 1 + co_await depth(n - 1);
}

TEST_F(a_task, recurses_a_million_levels_deep_without_using_stack) {
  std::optional<int> levels;
  spawn(store(depth(million), &levels));
  EXPECT_EQ(levels, million);
}

task<int> choose(int n) {
  if (co_await one() == n) co_return 10;
  switch (co_await one() + n) {
    case 3:
      co_return 20;
    default:
      break;
  }
  while (co_await one() != 1) {
  }
  co_return 30;
}

struct pair {
  int a;
  int b;
};
task<int> add(pair p) {
  co_return p.a + p.b;
}
task<int> shapes() {
  co_return co_await choose(1) + co_await add(pair{100, co_await choose(2)}) + co_await choose(7);
}

// The shapes that g++ 12 miscompiles.
TEST_F(a_task, works_in_conditions_and_in_aggregate_temporaries) {
  std::optional<int> sum;
  spawn(store(shapes(), &sum));
  EXPECT_EQ(sum, 10 + 120 + 30);
}

}  // namespace
}  // namespace weft::coro
