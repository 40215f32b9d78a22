#include "actors/coro/scope.hpp"

#include <memory>
#include <stdexcept>

#include "actors/coro/completion.hpp"
#include "actors/coro/sleep.hpp"
#include "actors/coro/when_all.hpp"
#include "tests/actors/coro/coroutine_host.hpp"

namespace weft::coro {
namespace {

using namespace std::chrono_literals;

class a_scope : public coroutine_host {};

task<> hold(probe, cancel_scope ctx, clock::duration time) {
  co_await sleep_for(ctx, time);
}

TEST_F(a_scope, frees_a_task_that_finishes_at_once_before_spawn_returns) {
  int alive = 0;
  roots().spawn([](probe) -> task<> { co_return; }(probe(&alive)));
  EXPECT_EQ(alive, 0);
  EXPECT_EQ(roots().running(), 0U);
}

TEST_F(a_scope, frees_a_task_that_finishes_later_without_another_spawn) {
  int alive = 0;
  spawn(hold(probe(&alive), cancel_scope(run()), 1s));
  EXPECT_EQ(roots().running(), 1U);
  advance(1s);
  EXPECT_EQ(roots().running(), 0U);
  EXPECT_EQ(alive, 0);
}

TEST_F(a_scope, destroys_the_frames_of_suspended_tasks_with_its_actor) {
  int alive = 0;
  completion<int> never;
  for (int i = 0; i != 10; ++i) spawn(hold(probe(&alive), cancel_scope(run()), 1h));
  spawn([](probe, cancel_scope ctx, completion<int>* slot) -> task<> { co_await slot->wait(ctx); }(
                                                               probe(&alive), cancel_scope(run()), &never));
  spawn([](probe p, cancel_scope ctx) -> task<> { co_await when_all(hold(p, ctx, 1h), hold(p, ctx, 2h)); }(
                                          probe(&alive), cancel_scope(run())));
  EXPECT_EQ(alive, 14);
  end_actor();
  EXPECT_EQ(alive, 0);
  EXPECT_TRUE(never.set(1)) << "nobody waits any more";
}

TEST_F(a_scope, destroys_the_frames_of_tasks_that_are_ready_but_did_not_run_yet) {
  int alive = 0;
  bool resumed = false;
  completion<int> slot;
  roots().spawn([](probe, cancel_scope ctx, completion<int>* s, bool* r) -> task<> {
    co_await s->wait(ctx);
    *r = true;
  }(probe(&alive), cancel_scope(run()), &slot, &resumed));
  // The actor gets the message that would resume the task after the one that ends it.
  send_exit();
  slot.set(1);
  end_actor();
  EXPECT_EQ(alive, 0);
  EXPECT_FALSE(resumed);
}

TEST_F(a_scope, that_dies_with_finished_but_unfreed_tasks_frees_them) {
  int alive = 0;
  completion<void> finish;
  completion<void> destroy;
  auto dying = std::make_unique<scope>(run(), nullptr);
  dying->spawn([](probe, cancel_scope ctx, completion<void>* s) -> task<> {
    co_await s->wait(ctx);
  }(probe(&alive), cancel_scope(run()), &finish));
  bool was_unfreed = false;
  spawn([](cancel_scope ctx, completion<void>* s, std::unique_ptr<scope>* victim, const int* frames,
           bool* unfreed) -> task<> {
    co_await s->wait(ctx);
    *unfreed = (*victim)->running() == 0 && *frames == 1;
    victim->reset();
  }(cancel_scope(run()), &destroy, &dying, &alive, &was_unfreed));
  finish.set();
  destroy.set();
  run_ready();
  EXPECT_TRUE(was_unfreed);
  EXPECT_EQ(alive, 0);
}

TEST_F(a_scope, reports_an_exception_and_goes_on_with_the_others) {
  spawn([](cancel_scope ctx) -> task<> {
    co_await sleep_for(ctx, 1s);
    throw std::runtime_error("late");
  }(cancel_scope(run())));
  int alive = 0;
  spawn(hold(probe(&alive), cancel_scope(run()), 2s));
  spawn([]() -> task<> {
    throw std::runtime_error("early");
    co_return;
  }());
  EXPECT_THAT(state().errors, testing::ElementsAre("early"));
  advance(1s);
  EXPECT_THAT(state().errors, testing::ElementsAre("early", "late"));
  EXPECT_EQ(roots().running(), 1U);
  EXPECT_EQ(alive, 1);
  end_actor();
}

TEST_F(a_scope, lets_the_exception_handler_spawn) {
  int handled = 0;
  scope failing(run(), [&](std::exception_ptr) {
    ++handled;
    failing.spawn([]() -> task<> { co_return; }());
  });
  int alive = 0;
  failing.spawn([](probe, cancel_scope ctx) -> task<> {
    co_await sleep_for(ctx, 1s);
    throw std::runtime_error("broken");
  }(probe(&alive), cancel_scope(run())));
  advance(1s);
  EXPECT_EQ(handled, 1);
  EXPECT_EQ(alive, 0);
}

task<> spawn_tree(scope* tasks, cancel_scope ctx, probe p, int levels) {
  if (levels == 0) co_return;
  tasks->spawn(spawn_tree(tasks, ctx, p, levels - 1));
  co_await sleep_for(ctx, 1ms);
  tasks->spawn(spawn_tree(tasks, ctx, p, levels - 1));
}

TEST_F(a_scope, lets_its_tasks_spawn_tasks) {
  int alive = 0;
  spawn(spawn_tree(&roots(), cancel_scope(run()), probe(&alive), 8));
  EXPECT_GT(alive, 0);
  for (int i = 0; i != 8; ++i) advance(1ms);
  EXPECT_EQ(alive, 0);
}

task<> note_start(probe, bool* started) {
  *started = true;
  co_return;
}

struct spawner {
  scope* tasks;
  int* alive;
  bool* started;
  ~spawner() { tasks->spawn(note_start(probe(alive), started)); }
};

TEST_F(a_scope, drops_what_is_spawned_while_it_is_destroyed) {
  int alive = 0;
  bool started = false;
  {
    scope tasks(run(), nullptr);
    tasks.spawn([](scope* s, int* a, bool* st, cancel_scope ctx) -> task<> {
      const spawner at_end{.tasks = s, .alive = a, .started = st};
      co_await sleep_for(ctx, 1h);
    }(&tasks, &alive, &started, cancel_scope(run())));
    EXPECT_EQ(tasks.running(), 1U);
  }
  EXPECT_EQ(alive, 0);
  EXPECT_FALSE(started);
}

TEST_F(a_scope, runs_many_tasks_and_keeps_no_frame) {
  int alive = 0;
  for (int i = 0; i != 10'000; ++i) roots().spawn(hold(probe(&alive), cancel_scope(run()), (i % 50) * 1ms));
  EXPECT_EQ(alive, 10'000);
  advance(50ms);
  EXPECT_EQ(alive, 0);
}

}  // namespace
}  // namespace weft::coro
