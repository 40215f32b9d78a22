#include "actors/admission/admission.hpp"

#include <gtest/gtest.h>

namespace weft {
namespace {

using std::chrono::milliseconds;

class admission_queue_test : public testing::Test {
 protected:
  milliseconds timeout_after(milliseconds time) const { return queue.timeout(limits, began + time); }

  admission_queue::clock::time_point began{std::chrono::seconds(1'000)};
  limit_options limits;
  admission_queue queue{began};
  waiting_call a;
  waiting_call b;
  waiting_call c;
};

TEST_F(admission_queue_test, first_come_first_served) {
  for (auto* each : {&a, &b, &c}) queue.push(*each, began);
  for (auto* each : {&a, &b, &c}) {
    ASSERT_EQ(queue.first(), each);
    queue.remove(*each, began);
  }
  EXPECT_TRUE(queue.empty());
}

TEST_F(admission_queue_test, a_call_leaves_from_the_middle_and_the_end) {
  for (auto* each : {&a, &b, &c}) queue.push(*each, began);
  queue.remove(b, began);
  queue.remove(c, began);
  EXPECT_EQ(queue.size(), 1U);
  queue.push(b, began);
  queue.remove(a, began);
  EXPECT_EQ(queue.first(), &b);
}

TEST_F(admission_queue_test, a_burst_may_wait_for_the_interval) {
  queue.push(a, began);
  EXPECT_EQ(timeout_after(milliseconds(0)), limits.queue_interval);
  EXPECT_EQ(timeout_after(limits.queue_interval), limits.queue_interval);
}

TEST_F(admission_queue_test, a_standing_queue_waits_for_the_target_only) {
  queue.push(a, began);
  EXPECT_EQ(timeout_after(limits.queue_interval + milliseconds(1)), limits.queue_target);
}

TEST_F(admission_queue_test, it_stands_from_when_it_was_empty_last) {
  queue.push(a, began);
  queue.remove(a, began + milliseconds(90));
  queue.push(b, began + milliseconds(95));
  EXPECT_EQ(timeout_after(milliseconds(95) + limits.queue_interval), limits.queue_interval);
  EXPECT_EQ(timeout_after(milliseconds(96) + limits.queue_interval), limits.queue_target);
}

TEST(admission_state, a_limit_of_zero_is_never_full) {
  admission_state unlimited(0);
  unlimited.enter();
  EXPECT_FALSE(unlimited.full());
  admission_state one(1);
  EXPECT_FALSE(one.full());
  one.enter();
  EXPECT_TRUE(one.full());
  one.leave();
  EXPECT_FALSE(one.full());
}

TEST(admission_state, room_is_offered_to_the_waiting_reactors_in_turn) {
  admission_state state(1);
  EXPECT_EQ(state.next_waiting(0, 4), 4U) << "nobody waits";
  state.add_waiting(1);
  state.add_waiting(3);
  state.add_waiting(3);
  EXPECT_EQ(state.next_waiting(0, 4), 1U);
  EXPECT_EQ(state.next_waiting(1, 4), 3U);
  EXPECT_EQ(state.next_waiting(3, 4), 1U);
  state.remove_waiting(3, false);
  EXPECT_EQ(state.next_waiting(1, 4), 3U) << "another call waits there";
  state.remove_waiting(3, true);
  EXPECT_EQ(state.next_waiting(1, 4), 1U) << "itself, when no other reactor waits";
  EXPECT_EQ(state.waiting(), 1);
}

}  // namespace
}  // namespace weft
