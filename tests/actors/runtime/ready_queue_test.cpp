// What is ready: in its order, in rounds, and released when it never runs.
#include "actors/runtime/ready_queue.hpp"

#include <coroutine>
#include <memory>
#include <vector>

#include <gmock/gmock.h>

#include "tests/actors/runtime/reactor_thread.hpp"

namespace weft {
namespace {

using testing::ElementsAre;

/// A coroutine that notes its number when it is resumed, and is freed when it is done.
struct noting {
  struct promise_type {
    noting get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_always initial_suspend() noexcept { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
  std::coroutine_handle<promise_type> handle;
};

noting note(std::vector<int>* order, int number) {
  order->push_back(number);
  co_return;
}

class ready_queue_test : public reactor_test {
 protected:
  ready_queue queue;
  std::vector<int> order;
};

TEST_F(ready_queue_test, counts_both_kinds_until_they_have_run) {
  EXPECT_TRUE(queue.empty());
  queue.push(job::once([] {}));
  queue.push(note(&order, 1).handle);
  EXPECT_EQ(queue.size(), 2U);
  queue.run(loop);
  EXPECT_TRUE(queue.empty());
  EXPECT_THAT(order, ElementsAre(1));
}

TEST_F(ready_queue_test, coroutines_come_after_the_jobs_of_their_round) {
  queue.push(note(&order, 3).handle);
  queue.push(job::once([&] {
    order.push_back(1);
    queue.push(job::once([&] { order.push_back(4); }));
  }));
  queue.push(job::once([&] { order.push_back(2); }));
  queue.run(loop);
  EXPECT_THAT(order, ElementsAre(1, 2, 3, 4));
}

TEST_F(ready_queue_test, a_coroutine_that_was_taken_back_is_not_resumed) {
  const auto handle = note(&order, 1).handle;
  queue.push(handle);
  queue.take_back(handle);
  queue.run(loop);
  EXPECT_THAT(order, ElementsAre());
  handle.destroy();
}

TEST_F(ready_queue_test, what_keeps_making_work_goes_on_with_the_next_call) {
  int runs = 0;
  queue.push(job::repeated([&] { return ++runs < 1'000; }));
  queue.run(loop);
  const int first = runs;
  EXPECT_LT(first, 1'000);
  EXPECT_FALSE(queue.empty());
  queue.run(loop);
  EXPECT_GT(runs, first);
  while (!queue.empty()) queue.run(loop);
  EXPECT_EQ(runs, 1'000);
}

TEST_F(ready_queue_test, jobs_that_never_ran_are_released) {
  const auto witness = std::make_shared<int>();
  {
    ready_queue other;
    other.push(job::once([witness] {}));
    EXPECT_EQ(witness.use_count(), 2);
  }
  EXPECT_EQ(witness.use_count(), 1);
}

}  // namespace
}  // namespace weft
