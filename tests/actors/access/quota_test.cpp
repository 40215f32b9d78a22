// The quotas of an identity: each limit by itself, and none where there is none.
#include "actors/access/quota.hpp"

#include <gtest/gtest.h>

namespace weft {
namespace {

using namespace std::chrono_literals;

const rate_meter::clock::time_point start{1h};

TEST(quota, without_a_limit_nobody_waits) {
  quota none(quota_limits{.in_flight = 1});
  for (int i = 0; i < 10'000; ++i) EXPECT_FALSE(none.take_call(start));
  none.charge_bytes(start, 1'000'000'000);
  EXPECT_FALSE(none.take_bytes(start, 1'000'000'000));
}

TEST(quota, calls_come_in_a_burst_and_then_at_their_rate) {
  quota of(quota_limits{.calls_per_second = 10, .burst = 2});
  EXPECT_FALSE(of.take_call(start));
  EXPECT_FALSE(of.take_call(start));
  EXPECT_EQ(of.take_call(start), 100ms);
  EXPECT_FALSE(of.take_call(start + 100ms));
  EXPECT_FALSE(of.take_bytes(start, 1'000'000)) << "which are not limited";
}

TEST(quota, bytes_come_a_seconds_worth_at_once) {
  quota of(quota_limits{.bytes_per_second = 1'000});
  EXPECT_FALSE(of.take_bytes(start, 1'000));
  EXPECT_EQ(of.take_bytes(start, 500), 500ms);
  EXPECT_FALSE(of.take_bytes(start + 500ms, 500));
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(of.take_call(start)) << "which are not limited";
}

TEST(quota, what_cannot_be_refused_is_made_up_for_by_those_that_follow) {
  quota of(quota_limits{.bytes_per_second = 1'000});
  of.charge_bytes(start, 3'000);
  EXPECT_EQ(of.take_bytes(start, 1'000), 3s);
  EXPECT_FALSE(of.take_bytes(start + 3s, 1'000));
}

TEST(quota, knows_its_limits) {
  const quota_limits limits{.calls_per_second = 1, .burst = 2, .bytes_per_second = 3, .in_flight = 4};
  EXPECT_EQ(quota(limits).limits(), limits);
}

}  // namespace
}  // namespace weft
