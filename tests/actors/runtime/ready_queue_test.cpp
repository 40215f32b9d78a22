// What is ready: in its order, in rounds, and released when it never runs.
#include "actors/runtime/ready_queue.hpp"

#include <memory>
#include <vector>

#include <gmock/gmock.h>

#include "tests/actors/runtime/noting.hpp"
#include "tests/actors/runtime/reactor_thread.hpp"

namespace weft {
namespace {

using testing::ElementsAre;

class ready_queue_test : public reactor_test {
 protected:
  ready_queue queue;
  std::vector<int> order;
};

TEST_F(ready_queue_test, counts_both_kinds_until_they_have_run) {
  EXPECT_TRUE(queue.empty());
  queue.push(job::once([] {}));
  const auto one = note(&order, 1);
  queue.push(one.handle);
  EXPECT_EQ(queue.size(), 2U);
  queue.run(loop);
  EXPECT_TRUE(queue.empty());
  EXPECT_THAT(order, ElementsAre(1));
}

TEST_F(ready_queue_test, coroutines_come_after_the_jobs_of_their_round) {
  const auto last = note(&order, 3);
  queue.push(last.handle);
  queue.push(job::once([&] {
    order.push_back(1);
    queue.push(job::once([&] { order.push_back(4); }));
  }));
  queue.push(job::once([&] { order.push_back(2); }));
  queue.run(loop);
  EXPECT_THAT(order, ElementsAre(1, 2, 3, 4));
}

TEST_F(ready_queue_test, a_coroutine_that_was_taken_back_is_not_resumed) {
  const auto one = note(&order, 1);
  queue.push(one.handle);
  queue.take_back(one.handle);
  queue.run(loop);
  EXPECT_THAT(order, ElementsAre());
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
