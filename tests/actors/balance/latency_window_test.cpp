#include "actors/balance/latency_window.hpp"

#include <gtest/gtest.h>

namespace weft {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

class latency_window_test : public testing::Test {
 protected:
  void observe(nanoseconds latency, int times = 1) {
    for (int i = 0; i < times; ++i) window.observe(latency, now);
  }
  std::optional<nanoseconds> p(std::uint32_t percent) { return window.percentile(percent, now); }

  latency_window::clock::time_point now{seconds(1'000)};
  latency_window window;
};

TEST_F(latency_window_test, says_nothing_before_there_are_enough_values) {
  observe(milliseconds(1), latency_window::least_samples - 1);
  EXPECT_EQ(p(95), std::nullopt);
  observe(milliseconds(1));
  EXPECT_NE(p(95), std::nullopt);
}

TEST_F(latency_window_test, is_never_too_low_and_at_most_an_eighth_too_high) {
  for (const auto latency : {microseconds(1), microseconds(7), microseconds(63), microseconds(64),
                             microseconds(1'000), microseconds(123'456), microseconds(9'999'999)}) {
    window = {};
    observe(latency, 100);
    const auto found = p(95);
    ASSERT_NE(found, std::nullopt);
    EXPECT_GE(*found, latency);
    EXPECT_LE(*found, latency + latency / 8 + microseconds(1));
  }
}

TEST_F(latency_window_test, finds_the_tail) {
  observe(milliseconds(1), 94);
  observe(milliseconds(50), 6);
  EXPECT_LT(*p(90), milliseconds(2));
  EXPECT_GE(*p(95), milliseconds(50));
}

TEST_F(latency_window_test, forgets_what_is_two_windows_old) {
  observe(milliseconds(50), 100);
  now += latency_window::length;
  observe(milliseconds(1), 100);
  EXPECT_GE(*p(95), milliseconds(50)) << "the window before counts";
  now += latency_window::length;
  observe(milliseconds(1), 100);
  EXPECT_LT(*p(95), milliseconds(2));
}

TEST_F(latency_window_test, forgets_everything_after_a_silence) {
  observe(milliseconds(50), 100);
  now += 3 * latency_window::length;
  EXPECT_EQ(p(95), std::nullopt);
}

TEST_F(latency_window_test, takes_the_longest_and_the_shortest) {
  observe(nanoseconds(0), 10);
  observe(std::chrono::hours(24), 10);
  EXPECT_GT(*p(99), std::chrono::minutes(1));
  EXPECT_LE(*p(50), microseconds(2));
}

}  // namespace
}  // namespace weft
