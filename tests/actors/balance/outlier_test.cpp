#include "actors/balance/outlier.hpp"

#include <gtest/gtest.h>

#include "proto/error.hpp"

namespace weft {
namespace {

using std::chrono::milliseconds;
using health = endpoint_state::health;

class outlier : public testing::Test {
 protected:
  /// True when it was ejected by that.
  bool attempt(bool ok, bool another = true) {
    state.begin();
    state.end(ok, milliseconds(1), now);
    return judge_instance(state, ok, options, now, random, [&] { return another; });
  }

  ejection_options options{.consecutive_failures = 3, .minimum_calls = 1'000};
  endpoint_state state;
  endpoint_state::clock::time_point now{std::chrono::hours(1)};
  std::minstd_rand random;
};

TEST_F(outlier, failures_in_a_row_eject) {
  EXPECT_FALSE(attempt(false));
  EXPECT_FALSE(attempt(false));
  EXPECT_FALSE(attempt(true)) << "begins anew";
  EXPECT_FALSE(attempt(false));
  EXPECT_FALSE(attempt(false));
  EXPECT_TRUE(attempt(false));
  EXPECT_EQ(state.state(now), health::ejected);
}

TEST_F(outlier, the_last_one_that_is_well_stays) {
  for (int i = 0; i < 10; ++i) EXPECT_FALSE(attempt(false, false));
  EXPECT_EQ(state.state(now), health::healthy);
  EXPECT_TRUE(attempt(false)) << "until there is another";
}

TEST_F(outlier, ejections_grow_and_a_good_answer_ends_them) {
  const auto ejected_for = [&] {
    for (int i = 0; i < 100'000; ++i) {
      if (state.state(now + milliseconds(i)) != health::ejected) return milliseconds(i);
    }
    return milliseconds(0);
  };
  for (int i = 0; i < 3; ++i) attempt(false);
  const auto first = ejected_for();
  EXPECT_GE(first, options.base_time * 8 / 10);
  EXPECT_LE(first, options.base_time * 12 / 10);
  now += first;
  EXPECT_TRUE(attempt(false)) << "one failure on probation is enough";
  EXPECT_GT(ejected_for(), first * 13 / 10);
  now += ejected_for();
  EXPECT_FALSE(attempt(true));
  EXPECT_EQ(state.state(now), health::healthy);
}

TEST_F(outlier, a_deadline_too_short_says_nothing) {
  EXPECT_FALSE(was_given_time(state, milliseconds(99), now)) << "it has never answered";
  EXPECT_TRUE(was_given_time(state, milliseconds(100), now));
  state.begin();
  state.end(true, milliseconds(4), now);
  const auto usual = state.latency_ns(now);
  EXPECT_FALSE(was_given_time(state, milliseconds(1), now));
  EXPECT_TRUE(was_given_time(state, std::chrono::nanoseconds(static_cast<std::int64_t>(usual * 3) + 1), now));
}

TEST(instance_failures, are_those_of_the_mesh_and_of_programs_that_failed_inside) {
  for (const auto code : {error_code::internal_error, error_code::deadline_exceeded,
                          error_code::resource_exhausted, error_code::unavailable}) {
    EXPECT_TRUE(is_instance_failure(static_cast<std::int32_t>(code)));
  }
  EXPECT_TRUE(is_instance_failure(-32000));
  for (const std::int32_t code : {0, 1, 404, -32602, -32800, 7})
    EXPECT_FALSE(is_instance_failure(code)) << code;
}

}  // namespace
}  // namespace weft
