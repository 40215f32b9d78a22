#include "actors/balance/hedging.hpp"

#include <gtest/gtest.h>

namespace weft {
namespace {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

class hedging_test : public testing::Test {
 protected:
  void observe(milliseconds latency, int times) {
    for (int i = 0; i < times; ++i) hedges.observe("users.*", latency, now);
  }
  std::optional<std::chrono::nanoseconds> delay() { return hedges.delay("users.get", "users.*", now); }

  hedge_options options{.rules = {{"users.*", "90"}}, .minimum_delay = 2ms};
  hedging hedges{options};
  hedging::clock::time_point now{1h};
};

TEST_F(hedging_test, only_what_a_rule_covers) {
  EXPECT_TRUE(hedges.enabled());
  EXPECT_TRUE(hedges.covers("users.get"));
  EXPECT_FALSE(hedges.covers("orders.get"));
  const hedge_options none;
  EXPECT_FALSE(hedging(none).enabled());
}

TEST_F(hedging_test, nothing_is_known_before_enough_calls) {
  observe(10ms, static_cast<int>(latency_window::least_samples) - 1);
  EXPECT_FALSE(delay());
  observe(10ms, 1);
  EXPECT_TRUE(delay());
}

TEST_F(hedging_test, waits_for_the_time_that_most_calls_take) {
  observe(10ms, 95);
  observe(500ms, 5);
  ASSERT_TRUE(delay());
  EXPECT_GE(*delay(), 10ms);
  EXPECT_LE(*delay(), 12ms) << "the 90th percentile, at most one eighth too high";
}

TEST_F(hedging_test, but_never_less_than_the_least) {
  observe(milliseconds(0), 100);
  ASSERT_TRUE(delay());
  EXPECT_EQ(*delay(), 2ms);
}

TEST_F(hedging_test, forgets) {
  observe(10ms, 100);
  now += 2 * latency_window::length;
  EXPECT_FALSE(delay());
}

}  // namespace
}  // namespace weft
