// The part of a connection's output that each of its streams may take.
#include "actors/router/stream_room.hpp"

#include "tests/actors/router/parts_case.hpp"

namespace weft {
namespace {

class stream_room_test : public parts_case {
 protected:
  stream_room_test() {
    c.from = call::origin::connection;
    c.caller.key = client.key();
    c.stream = std::make_unique<stream_state>(0);
    options.limits.stream_window_bytes = 1 << 30;
  }

  connection_entry& client = connect();
  call c{*this};
  stream_room room{site, out.connections};
};

TEST_F(stream_room_test, streams_of_one_connection_share_it) {
  client.streams.made = 1;
  const auto alone = room.down(c);
  EXPECT_EQ(alone, static_cast<std::int64_t>(options.limits.output_hard_bytes / 16));
  client.streams.made = 4;
  EXPECT_EQ(room.down(c), alone / 4);
}

TEST_F(stream_room_test, each_has_some_however_many_there_are) {
  client.streams.made = 1'000'000;
  EXPECT_GT(room.down(c), 0);
}

TEST_F(stream_room_test, none_has_more_than_the_window) {
  options.limits.stream_window_bytes = 8192;
  client.streams.made = 1;
  EXPECT_EQ(room.down(c), 8192);
  c.caller.key = {};
  EXPECT_EQ(room.down(c), 8192) << "whose caller is in this process";
}

TEST_F(stream_room_test, over_a_link_they_leave_room_for_calls) {
  client.as = connection_entry::role::node_in;
  client.streams.made = 1;
  EXPECT_EQ(room.down(c), static_cast<std::int64_t>(options.limits.output_soft_bytes / 2));
}

TEST_F(stream_room_test, a_message_passes_while_little_waits) {
  EXPECT_FALSE(room.check(client, 1'000'000, 10)) << "one goes, however large, when nothing waits";
  out.connections.output(client).bulk.assign(100, 'x');
  EXPECT_FALSE(room.check(client, 10, 110));
  EXPECT_TRUE(room.check(client, 11, 110));
  EXPECT_EQ(counted(metric::limit_output_hard), 1);
}

TEST_F(stream_room_test, a_stalled_stream_is_noted_once) {
  room.stall(client, c, true);
  room.stall(client, c, true);
  EXPECT_EQ(client.streams.stalled.size(), 1U);
  EXPECT_GT(out.connections.output(client).tell_below, 0U);
  room.stall(client, c, false);
  EXPECT_EQ(client.streams.stalled.size(), 2U);
}

}  // namespace
}  // namespace weft
