// What a connection reads: frames whole or in pieces, batches, what is put back, and what is no frame at all.
#include "actors/transport/frame_input.hpp"

#include <string>

#include "tests/actors/transport/frame_of.hpp"
#include "tests/actors/transport/resources_case.hpp"

namespace weft {
namespace {

using namespace std::chrono_literals;

const std::string one = frame_of(R"({"jsonrpc":"2.0","id":1,"method":"one"})");
const std::string two = frame_of(R"({"jsonrpc":"2.0","id":2,"method":"two"})");

class frame_input_test : public resources_case {
 protected:
  connection_status status;
  frame_input input{shared, status};
  message_pool<inbound_batch>::pointer batch = shared.inbound.take();
};

TEST_F(frame_input_test, messages_come_in_their_order) {
  const auto both = one + two;
  input.take(both, *batch);
  ASSERT_EQ(batch->items.size(), 2U);
  EXPECT_EQ(batch->items[0].message.method, "one");
  EXPECT_EQ(batch->items[1].message.method, "two");
  EXPECT_EQ(status.frames_read, 2U);
  EXPECT_FALSE(input.mid_frame());
}

TEST_F(frame_input_test, the_bytes_of_an_unfinished_frame_count_among_those_of_the_reactor) {
  input.take(one.substr(0, 20), *batch);
  EXPECT_TRUE(batch->items.empty());
  EXPECT_TRUE(input.mid_frame());
  EXPECT_EQ(shared.unfinished_bytes, input.buffered_bytes());
  EXPECT_GT(shared.unfinished_bytes, 0U);
  input.take(one.substr(20), *batch);
  EXPECT_EQ(batch->items.size(), 1U);
  EXPECT_EQ(shared.unfinished_bytes, 0U);
}

TEST_F(frame_input_test, they_can_be_forgotten) {
  input.take(one.substr(0, 20), *batch);
  input.forget_unfinished();
  EXPECT_EQ(shared.unfinished_bytes, 0U);
  EXPECT_EQ(status.unfinished_bytes, 0U);
}

TEST_F(frame_input_test, a_complete_frame_restarts_the_clock) {
  input.take(one.substr(0, 20), *batch);
  input.start_frame(coro::clock::time_point(1s));
  input.take(one.substr(20), *batch);
  EXPECT_EQ(input.frame_started(), coro::clock::time_point{});
}

TEST_F(frame_input_test, a_batch_is_its_messages_with_their_group) {
  const std::string text = R"([{"jsonrpc":"2.0","method":"one"},{"jsonrpc":"2.0","method":"two"}])";
  const auto frame = frame_of(text);
  input.take(frame, *batch);
  ASSERT_EQ(batch->items.size(), 2U);
  EXPECT_EQ(batch->items[1].group, 0);
  ASSERT_EQ(batch->groups.size(), 1U);
  EXPECT_EQ(batch->groups[0], 2U);
  EXPECT_EQ(batch->group_texts[0], text);
}

TEST_F(frame_input_test, what_was_put_back_comes_again) {
  EXPECT_FALSE(input.has_put_back());
  input.put_back(one, false);
  input.put_back(two, false);
  EXPECT_TRUE(input.has_put_back());
  input.resume(*batch);
  EXPECT_FALSE(input.has_put_back());
  EXPECT_TRUE(batch->resumed);
  ASSERT_EQ(batch->items.size(), 2U);
  EXPECT_EQ(batch->items[1].message.method, "two");
  EXPECT_TRUE(input.is_resumed());
  input.end_resumed();
  EXPECT_FALSE(input.is_resumed() || input.has_put_back());
}

TEST_F(frame_input_test, what_is_put_back_twice_stays_ahead_of_what_came_later) {
  input.put_back(one + two, false);
  input.resume(*batch);
  input.put_back(one, false);
  input.put_back(two, true);
  input.end_resumed();
  auto again = shared.inbound.take();
  input.resume(*again);
  ASSERT_EQ(again->items.size(), 2U);
  EXPECT_EQ(again->items[0].message.method, "two");
  EXPECT_EQ(again->items[1].message.method, "one");
}

TEST_F(frame_input_test, how_the_stream_broke_comes_with_the_last_of_what_was_put_back) {
  const auto broke = proto::frame_error::negative_length;
  input.put_back(one, false);
  input.put_back(two, false, broke);
  input.resume(*batch);
  EXPECT_EQ(batch->broken, broke);
  input.put_back(two, true, broke);
  input.end_resumed();
  EXPECT_TRUE(input.is_behind());
  auto again = shared.inbound.take();
  input.resume(*again);
  EXPECT_EQ(again->broken, broke);
  input.end_resumed();
  EXPECT_FALSE(input.is_behind());
}

TEST_F(frame_input_test, little_of_much_comes_again_at_a_time) {
  constexpr std::size_t count = 2'000;
  std::string all;
  for (std::size_t i = 0; i < count; ++i) all += i % 2 == 0 ? one : two;
  input.put_back(all, false);
  std::size_t seen = 0;
  while (input.has_put_back()) {
    auto some = shared.inbound.take();
    input.resume(*some);
    EXPECT_LT(some->items.size(), count / 2);
    for (const auto& item : some->items) EXPECT_EQ(item.message.method, seen++ % 2 == 0 ? "one" : "two");
    input.end_resumed();
  }
  EXPECT_EQ(seen, count);
}

TEST_F(frame_input_test, a_frame_over_the_limit_breaks_the_stream) {
  input.limit_frames(10);
  input.take(one, *batch);
  EXPECT_EQ(batch->broken, proto::frame_error::too_large);
  EXPECT_TRUE(batch->items.empty());
}

TEST_F(frame_input_test, tells_what_speaks_instead) {
  input.take("HTTP/1.1 400 Bad Request\r\n", *batch);
  EXPECT_NE(batch->broken, proto::frame_error::none);
  EXPECT_EQ(to_string(input.foreign()), to_string(reason_of(proto::foreign::http)));
}

}  // namespace
}  // namespace weft
