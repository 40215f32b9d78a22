#include "actors/router/stream_flow.hpp"

#include <gtest/gtest.h>

namespace weft {
namespace {

constexpr std::int64_t window = 2000;
constexpr std::int64_t half = window / 2;
constexpr std::int64_t around = 50;
constexpr std::int64_t most_items = half / around;

stream_flow granted(std::int64_t items, std::optional<std::int64_t> bytes = {}) {
  stream_flow flow(around);
  flow.grant({items, bytes});
  flow.next(window);
  return flow;
}

std::int64_t items_of(const std::optional<proto::stream_grant>& grant) {
  return grant ? grant->items : 0;
}

std::int64_t bytes_of(const std::optional<proto::stream_grant>& grant) {
  return grant ? grant->bytes.value_or(0) : 0;
}

TEST(stream_flow, lets_as_many_items_through_as_were_granted) {
  auto flow = granted(2);
  EXPECT_TRUE(flow.take(1, around));
  EXPECT_TRUE(flow.take(1, around));
  EXPECT_FALSE(flow.open());
  EXPECT_FALSE(flow.take(1, around));
}

TEST(stream_flow, tells_a_window_at_first_and_more_as_it_drains) {
  stream_flow flow(around);
  flow.grant({10, {}});
  const auto first = flow.next(window);
  EXPECT_EQ(items_of(first), 10);
  EXPECT_EQ(bytes_of(first), half);
  EXPECT_FALSE(flow.next(window));
  EXPECT_TRUE(flow.take(100, around));
  flow.drained();
  EXPECT_FALSE(flow.next(window)) << "too little to be worth a message";
  EXPECT_TRUE(flow.take(400, around));
  flow.drained();
  EXPECT_EQ(bytes_of(flow.next(window)), 500);
}

TEST(stream_flow, an_item_counts_with_what_is_around_it) {
  stream_flow flow(around);
  flow.grant({1'000'000, {}});
  EXPECT_EQ(items_of(flow.next(window)), most_items);
  std::int64_t sent = 0;
  for (; flow.open(); ++sent) flow.take(1, around);
  EXPECT_EQ(sent, most_items);
  EXPECT_LE(flow.waiting_bytes(), window);
  EXPECT_FALSE(flow.next(0)) << "nothing has drained";
  flow.drained();
  EXPECT_EQ(items_of(flow.next(window)), most_items);
}

TEST(stream_flow, what_waits_never_exceeds_the_window_by_more_than_an_item) {
  for (const std::int64_t size : {1, 10, 40, 100, 900, 3000}) {
    stream_flow flow(around);
    flow.grant({1'000'000, {}});
    for (int round = 0; round < 100; ++round) {
      flow.next(window);
      if (!flow.open()) break;
      flow.take(size, around);
    }
    EXPECT_LE(flow.waiting_bytes(), window + size + around) << size;
  }
}

TEST(stream_flow, a_cursor_makes_the_next_ones_dearer) {
  auto flow = granted(1'000'000);
  flow.take(1, half);
  flow.drained();
  for (int i = 1; i < most_items; ++i) flow.take(1, half);
  flow.drained();
  EXPECT_EQ(items_of(flow.next(window)), 1);
}

TEST(stream_flow, one_item_goes_through_however_much_is_around_it) {
  stream_flow flow(100 * window);
  flow.grant({5, {}});
  EXPECT_EQ(items_of(flow.next(window)), 1);
  flow.take(1, 100 * window);
  EXPECT_FALSE(flow.next(window));
  flow.drained();
  EXPECT_EQ(items_of(flow.next(window)), 1);
}

TEST(stream_flow, items_are_told_in_portions_when_the_window_bounds_them) {
  auto flow = granted(1'000'000);
  for (int i = 0; i < most_items / 2 - 1; ++i) flow.take(1, around);
  flow.drained();
  EXPECT_FALSE(flow.next(window));
  flow.take(1, around);
  flow.drained();
  EXPECT_EQ(items_of(flow.next(window)), most_items / 2);
}

TEST(stream_flow, is_overdrawn_by_one_item_at_most) {
  auto flow = granted(10);
  EXPECT_TRUE(flow.take(5 * window, around));
  EXPECT_FALSE(flow.open());
  EXPECT_FALSE(flow.take(1, around));
}

TEST(stream_flow, a_sender_that_is_stopped_is_told_of_little_too) {
  auto flow = granted(10, 10);
  EXPECT_TRUE(flow.take(10, around));
  flow.drained();
  EXPECT_FALSE(flow.next(window));
  flow.grant({0, 3});
  EXPECT_EQ(bytes_of(flow.next(window)), 3);
  EXPECT_TRUE(flow.open());
}

TEST(stream_flow, never_tells_more_than_the_receiver_has_granted) {
  stream_flow flow(around);
  flow.grant({10, 300});
  EXPECT_EQ(bytes_of(flow.next(window)), 300);
  flow.grant({0, 10 * window});
  EXPECT_EQ(bytes_of(flow.next(window)), half - 300);
}

TEST(stream_flow, a_smaller_window_takes_nothing_back) {
  auto flow = granted(1'000'000);
  EXPECT_FALSE(flow.next(window / 10));
  EXPECT_TRUE(flow.open());
}

TEST(stream_flow, what_waits_is_what_came_and_did_not_leave) {
  auto flow = granted(10);
  flow.take(10, around);
  flow.take(20, around);
  EXPECT_EQ(flow.waiting_bytes(), 30 + 2 * around);
  flow.drained();
  EXPECT_EQ(flow.waiting_bytes(), 0);
}

TEST(stream_flow, another_sender_gets_a_window_of_its_own) {
  auto flow = granted(10);
  flow.take(10, around);
  flow.drained();
  flow.restart();
  const auto again = flow.next(window);
  EXPECT_EQ(bytes_of(again), half);
  EXPECT_EQ(items_of(again), 9);
  EXPECT_EQ(flow.items(), 9);
}

TEST(stream_flow, grants_beyond_counting_are_unlimited) {
  stream_flow flow(around);
  for (int i = 0; i < 10; ++i) flow.grant({stream_flow::unlimited, stream_flow::unlimited});
  EXPECT_EQ(flow.items(), stream_flow::unlimited);
  EXPECT_EQ(bytes_of(flow.next(window)), half);
}

}  // namespace
}  // namespace weft
