// When a connection is given up: each limit one tick before it is reached and when it is.
#include "actors/transport/timeouts.hpp"

#include <gtest/gtest.h>

namespace weft {
namespace {

using namespace std::chrono_literals;
using time_point = connection_times::time_point;

class timeouts_test : public testing::Test {
 protected:
  const time_point start{1h};
  limit_options limits;
  connection_times times{.last_read = start, .heartbeat_sent = start};
};

TEST_F(timeouts_test, a_frame_that_is_not_completed) {
  times.frame_started = start;
  const auto due = start + limits.frame_timeout;
  EXPECT_EQ(check_progress(times, limits, due - 1ns).look_again, due);
  const auto verdict = check_progress(times, limits, due);
  ASSERT_TRUE(verdict.over);
  EXPECT_EQ(verdict.over->why, close_reason::frame_timeout);
  EXPECT_FALSE(verdict.over->for_silence);
}

TEST_F(timeouts_test, a_frame_waits_while_reading_is_paused) {
  times.frame_started = start;
  times.input = reading::paused;
  EXPECT_EQ(check_progress(times, limits, start + limits.frame_timeout).look_again, timeout_verdict::never);
}

TEST_F(timeouts_test, output_that_makes_no_progress) {
  times.has_output = true;
  times.write_progress = start;
  const auto due = start + limits.write_deadline;
  EXPECT_EQ(check_progress(times, limits, due - 1ns).look_again, due);
  ASSERT_TRUE(check_progress(times, limits, due).over);
  EXPECT_EQ(check_progress(times, limits, due).over->why, close_reason::write_deadline);
}

TEST_F(timeouts_test, the_earlier_of_both) {
  times.frame_started = start;
  times.has_output = true;
  times.write_progress = start - limits.write_deadline + 1ms;
  EXPECT_EQ(check_progress(times, limits, start).look_again, start + 1ms);
}

TEST_F(timeouts_test, a_plain_client_that_is_idle) {
  limits.idle_timeout = 10s;
  EXPECT_EQ(check_liveness(times, limits, start + 9s).look_again, start + 10s);
  const auto verdict = check_liveness(times, limits, start + 10s);
  ASSERT_TRUE(verdict.over);
  EXPECT_EQ(verdict.over->why, close_reason::idle);
  EXPECT_TRUE(verdict.over->for_silence);
  limits.idle_timeout = 0s;
  EXPECT_EQ(check_liveness(times, limits, start + 24h).look_again, timeout_verdict::never);
}

TEST_F(timeouts_test, heartbeats_to_who_was_introduced) {
  times.heartbeat = 1s;
  EXPECT_FALSE(check_liveness(times, limits, start + 999ms).send_heartbeat);
  EXPECT_EQ(check_liveness(times, limits, start + 999ms).look_again, start + 1s);
  const auto silent = check_liveness(times, limits, start + 1s);
  EXPECT_TRUE(silent.send_heartbeat);
  EXPECT_EQ(silent.look_again, start + 2s);
  times.heartbeat_sent = start + 2s;
  EXPECT_EQ(check_liveness(times, limits, start + 2900ms).look_again, start + 3s);
  const auto lost = check_liveness(times, limits, start + 3s);
  ASSERT_TRUE(lost.over);
  EXPECT_EQ(lost.over->why, close_reason::heartbeat_lost);
  EXPECT_TRUE(lost.over->for_silence);
}

TEST_F(timeouts_test, a_connection_that_is_not_read_is_not_lost_for_its_silence) {
  times.heartbeat = 1s;
  times.input = reading::paused;
  EXPECT_EQ(check_liveness(times, limits, start + 1h).look_again, start + 1h + 1s);
}

TEST_F(timeouts_test, a_half_closed_client_is_asked_each_second) {
  times.input = reading::ended;
  EXPECT_EQ(check_liveness(times, limits, start + 999ms).look_again, start + 1s);
  const auto due = check_liveness(times, limits, start + 1s);
  EXPECT_TRUE(due.send_heartbeat);
  EXPECT_EQ(due.look_again, start + 2s);
}

}  // namespace
}  // namespace weft
