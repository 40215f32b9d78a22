// semaphore, mutex and event.
#include <memory>
#include <stdexcept>
#include <vector>

#include "actors/coro/event.hpp"
#include "actors/coro/mutex.hpp"
#include "actors/coro/semaphore.hpp"
#include "actors/coro/sleep.hpp"
#include "tests/actors/coro/coroutine_host.hpp"

namespace weft::coro {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

class a_semaphore : public coroutine_host {
 protected:
  cancel_scope ctx() { return cancel_scope(run()); }
};

struct log {
  std::vector<int> entered;
  std::vector<int> refused;
  int inside = 0;
  int most_inside = 0;
};

/// Stays inside for a second.
task<> enter(semaphore* door, cancel_scope ctx, int name, log* seen) {
  const auto permit = co_await door->acquire(ctx);
  if (!permit) {
    seen->refused.push_back(name);
    co_return;
  }
  seen->entered.push_back(name);
  seen->most_inside = std::max(seen->most_inside, ++seen->inside);
  co_await sleep_for(ctx, 1s);
  --seen->inside;
}

TEST_F(a_semaphore, lets_in_so_many_and_the_others_in_the_order_in_which_they_came) {
  semaphore door(2);
  log seen;
  for (int i = 0; i != 6; ++i) spawn(enter(&door, ctx(), i, &seen));
  EXPECT_THAT(seen.entered, ElementsAre(0, 1));
  advance(1s);
  EXPECT_THAT(seen.entered, ElementsAre(0, 1, 2, 3));
  advance(1s);
  advance(1s);
  EXPECT_THAT(seen.entered, ElementsAre(0, 1, 2, 3, 4, 5));
  EXPECT_EQ(seen.most_inside, 2);
  EXPECT_EQ(door.available(), 2U);
}

TEST_F(a_semaphore, lets_nobody_overtake_those_who_wait) {
  semaphore door(1);
  log seen;
  auto first = door.try_acquire();
  ASSERT_TRUE(first);
  EXPECT_FALSE(door.try_acquire());
  spawn(enter(&door, ctx(), 1, &seen));
  first.reset();
  EXPECT_THAT(seen.entered, ElementsAre()) << "giving back must not run the waiter on its own stack";
  EXPECT_FALSE(door.try_acquire()) << "the permit belongs to the one who waits already";
  run_ready();
  EXPECT_THAT(seen.entered, ElementsAre(1));
}

TEST_F(a_semaphore, refuses_whose_context_is_cancelled_while_waiting) {
  semaphore door(1);
  log seen;
  const cancel_scope cancelled = ctx();
  spawn(enter(&door, ctx(), 0, &seen));
  spawn(enter(&door, cancelled, 1, &seen));
  spawn(enter(&door, ctx(), 2, &seen));
  cancelled.cancel(cancel_reason::disconnected);
  EXPECT_THAT(seen.refused, ElementsAre());
  run_ready();
  EXPECT_THAT(seen.refused, ElementsAre(1));
  advance(1s);
  EXPECT_THAT(seen.entered, ElementsAre(0, 2));
}

TEST_F(a_semaphore, prefers_the_permit_when_it_comes_in_the_turn_of_the_cancellation) {
  semaphore door(1);
  log seen;
  const cancel_scope cancelled = ctx();
  auto first = door.try_acquire();
  spawn(enter(&door, cancelled, 1, &seen));
  cancelled.cancel(cancel_reason::disconnected);
  first.reset();
  run_ready();
  EXPECT_THAT(seen.entered, ElementsAre(1));
  EXPECT_EQ(door.available(), 1U);
}

TEST_F(a_semaphore, gets_back_the_permits_of_frames_that_are_destroyed) {
  semaphore door(1);
  log seen;
  auto inside = std::make_unique<scope>(run(), nullptr);
  auto granted = std::make_unique<scope>(run(), nullptr);
  auto waiting = std::make_unique<scope>(run(), nullptr);
  inside->spawn(enter(&door, ctx(), 0, &seen));
  granted->spawn(enter(&door, ctx(), 1, &seen));
  waiting->spawn(enter(&door, ctx(), 2, &seen));
  spawn(enter(&door, ctx(), 3, &seen));
  waiting.reset();
  inside.reset();
  granted.reset();
  run_ready();
  EXPECT_THAT(seen.entered, ElementsAre(0, 3));
  advance(1s);
  EXPECT_EQ(door.available(), 1U);
}

TEST_F(a_semaphore, gets_its_permit_back_when_the_one_inside_throws) {
  semaphore door(1);
  spawn([](semaphore* of, cancel_scope in) -> task<> {
    const auto permit = co_await of->acquire(in);
    throw std::runtime_error("broken");
  }(&door, ctx()));
  EXPECT_THAT(state().errors, ElementsAre("broken"));
  EXPECT_EQ(door.available(), 1U);
}

TEST_F(a_semaphore, that_dies_leaves_permits_and_waiters_alone) {
  auto door = std::make_unique<semaphore>(1);
  log seen;
  const cancel_scope cancelled = ctx();
  auto held = door->try_acquire();
  spawn(enter(door.get(), cancelled, 1, &seen));
  door.reset();
  held.reset();
  run_ready();
  EXPECT_THAT(seen.entered, ElementsAre());
  cancelled.cancel(cancel_reason::shutting_down);
  run_ready();
  EXPECT_THAT(seen.refused, ElementsAre(1));
}

TEST_F(a_semaphore, counts_a_permit_once_however_it_is_moved) {
  semaphore door(1);
  {
    auto first = door.try_acquire();
    const semaphore::permit second(std::move(*first));
    first.reset();
    EXPECT_EQ(door.available(), 0U);
  }
  EXPECT_EQ(door.available(), 1U);
}

class a_mutex : public a_semaphore {};

task<> append_slowly(mutex* writing, cancel_scope ctx, char letter, std::string* text) {
  const auto hold = co_await writing->lock(ctx);
  if (!hold) co_return;
  for (int i = 0; i != 3; ++i) {
    text->push_back(letter);
    co_await sleep_for(ctx, 1s);
  }
}

TEST_F(a_mutex, keeps_others_out_across_suspensions) {
  mutex writing;
  std::string text;
  for (const char letter : {'a', 'b', 'c'}) spawn(append_slowly(&writing, ctx(), letter, &text));
  EXPECT_TRUE(writing.locked());
  EXPECT_FALSE(writing.try_lock());
  for (int i = 0; i != 10; ++i) advance(1s);
  EXPECT_EQ(text, "aaabbbccc");
  EXPECT_FALSE(writing.locked());
  EXPECT_TRUE(writing.try_lock());
}

TEST_F(a_mutex, is_unlocked_when_the_frame_that_holds_it_is_destroyed) {
  mutex writing;
  std::string text;
  auto tasks = std::make_unique<scope>(run(), nullptr);
  tasks->spawn(append_slowly(&writing, ctx(), 'a', &text));
  spawn(append_slowly(&writing, ctx(), 'b', &text));
  tasks.reset();
  run_ready();
  EXPECT_EQ(text, "ab");
}

class an_event : public a_semaphore {
 protected:
  static task<> note(event* of, cancel_scope ctx, int name, std::vector<int>* seen) {
    seen->push_back(co_await of->wait(ctx) ? name : -name);
  }
  std::vector<int> seen;
};

TEST_F(an_event, releases_all_who_wait_in_the_order_in_which_they_came) {
  event ready;
  for (const int name : {1, 2, 3}) spawn(note(&ready, ctx(), name, &seen));
  ready.set();
  EXPECT_THAT(seen, ElementsAre()) << "set must not run the waiters on its own stack";
  run_ready();
  EXPECT_THAT(seen, ElementsAre(1, 2, 3));
  EXPECT_TRUE(ready.is_set());
}

TEST_F(an_event, that_is_set_makes_nobody_wait_until_it_is_cleared) {
  event ready;
  ready.set();
  spawn(note(&ready, ctx(), 1, &seen));
  EXPECT_THAT(seen, ElementsAre(1));
  ready.clear();
  spawn(note(&ready, ctx(), 2, &seen));
  EXPECT_THAT(seen, ElementsAre(1));
  ready.set();
  ready.clear();
  run_ready();
  EXPECT_THAT(seen, ElementsAre(1, 2)) << "who was released is so though the event was cleared";
}

TEST_F(an_event, ends_waits_when_their_context_is_cancelled) {
  event ready;
  const cancel_scope cancelled = ctx();
  spawn(note(&ready, cancelled, 1, &seen));
  spawn(note(&ready, ctx(), 2, &seen));
  cancelled.cancel(cancel_reason::disconnected);
  run_ready();
  EXPECT_THAT(seen, ElementsAre(-1));
  ready.set();
  run_ready();
  EXPECT_THAT(seen, ElementsAre(-1, 2));
}

TEST_F(an_event, forgets_frames_that_are_destroyed_waiting_or_released) {
  event ready;
  for (const bool released : {false, true}) {
    auto tasks = std::make_unique<scope>(run(), nullptr);
    ready.clear();
    tasks->spawn(note(&ready, ctx(), 1, &seen));
    if (released) ready.set();
    tasks.reset();
    ready.set();
    run_ready();
  }
  EXPECT_THAT(seen, ElementsAre());
}

TEST_F(an_event, that_dies_leaves_its_waiters_to_their_contexts) {
  auto ready = std::make_unique<event>();
  const cancel_scope cancelled = ctx();
  spawn(note(ready.get(), cancelled, 1, &seen));
  ready.reset();
  run_ready();
  EXPECT_THAT(seen, ElementsAre());
  cancelled.cancel(cancel_reason::disconnected);
  run_ready();
  EXPECT_THAT(seen, ElementsAre(-1));
}

}  // namespace
}  // namespace weft::coro
