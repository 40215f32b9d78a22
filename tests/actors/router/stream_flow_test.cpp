#include "actors/router/stream_flow.hpp"

#include <gtest/gtest.h>

namespace weft {
namespace {

constexpr std::int64_t window = 1000;

stream_flow granted(std::int64_t items, std::optional<std::int64_t> bytes = {}) {
  stream_flow flow(window);
  flow.grant({items, bytes});
  flow.next_bytes();
  return flow;
}

TEST(stream_flow, lets_as_many_items_through_as_were_granted) {
  auto flow = granted(2);
  EXPECT_TRUE(flow.take(1));
  EXPECT_TRUE(flow.take(1));
  EXPECT_FALSE(flow.open());
  EXPECT_FALSE(flow.take(1));
}

TEST(stream_flow, tells_a_window_at_first_and_more_as_it_drains) {
  stream_flow flow(window);
  flow.grant({100});
  EXPECT_EQ(flow.next_bytes(), window);
  EXPECT_FALSE(flow.next_bytes());
  EXPECT_TRUE(flow.take(400));
  flow.drained();
  EXPECT_FALSE(flow.next_bytes()) << "too little to be worth a message";
  EXPECT_TRUE(flow.take(100));
  flow.drained();
  EXPECT_EQ(flow.next_bytes(), 500);
}

TEST(stream_flow, is_overdrawn_by_one_item_at_most) {
  auto flow = granted(100);
  EXPECT_TRUE(flow.take(5 * window));
  EXPECT_FALSE(flow.open());
  EXPECT_FALSE(flow.take(1));
}

TEST(stream_flow, a_sender_that_is_stopped_is_told_of_little_too) {
  auto flow = granted(100, 10);
  EXPECT_TRUE(flow.take(10));
  flow.drained();
  EXPECT_FALSE(flow.next_bytes());
  flow.grant({0, 3});
  EXPECT_EQ(flow.next_bytes(), 3);
  EXPECT_TRUE(flow.open());
}

TEST(stream_flow, never_tells_more_than_the_receiver_has_granted) {
  stream_flow flow(window);
  flow.grant({100, 300});
  EXPECT_EQ(flow.next_bytes(), 300);
  flow.grant({0, 10 * window});
  EXPECT_EQ(flow.next_bytes(), window - 300);
}

TEST(stream_flow, what_waits_is_what_came_and_did_not_leave) {
  auto flow = granted(100);
  flow.take(10);
  flow.take(20);
  EXPECT_EQ(flow.waiting_bytes(), 30);
  flow.drained();
  EXPECT_EQ(flow.waiting_bytes(), 0);
}

TEST(stream_flow, another_sender_gets_a_window_of_its_own) {
  auto flow = granted(100);
  flow.take(10);
  flow.drained();
  flow.restart();
  EXPECT_EQ(flow.next_bytes(), window);
  EXPECT_EQ(flow.items(), 99);
}

TEST(stream_flow, grants_beyond_counting_are_unlimited) {
  stream_flow flow(window);
  for (int i = 0; i < 10; ++i) flow.grant({stream_flow::unlimited, stream_flow::unlimited});
  EXPECT_EQ(flow.items(), stream_flow::unlimited);
  EXPECT_EQ(flow.next_bytes(), window);
}

}  // namespace
}  // namespace weft
