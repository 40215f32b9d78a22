// Who waits for its turn: in order, and not after it has left.
#include "actors/runtime/turn_queue.hpp"

#include <gtest/gtest.h>

namespace weft {
namespace {

struct waiting final : event_handler {
  void on_events(std::uint32_t) override {}
};

class turn_queue_test : public testing::Test {
 protected:
  waiting first;
  waiting second;
  waiting third;
  turn_queue queue;
};

TEST_F(turn_queue_test, gives_nobody_a_turn_when_nobody_waits) {
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.take(), nullptr);
}

TEST_F(turn_queue_test, who_has_waited_longest_is_next) {
  queue.wait(first);
  queue.wait(second);
  EXPECT_FALSE(queue.empty());
  EXPECT_EQ(queue.take(), &first);
  queue.wait(first);
  EXPECT_EQ(queue.take(), &second) << "who waits again is behind the others";
  EXPECT_EQ(queue.take(), &first);
  EXPECT_TRUE(queue.empty());
}

TEST_F(turn_queue_test, who_has_left_gets_no_turn) {
  for (auto* each : {&first, &second, &third}) queue.wait(*each);
  queue.remove(second);
  EXPECT_EQ(queue.take(), &first);
  EXPECT_EQ(queue.take(), &third);
  EXPECT_EQ(queue.take(), nullptr);
  queue.remove(first);
  EXPECT_TRUE(queue.empty());
}

}  // namespace
}  // namespace weft
