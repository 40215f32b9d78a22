// How long a node waits before it dials a peer once more.
#include "actors/runtime/backoff.hpp"

#include <set>

#include <gtest/gtest.h>

namespace weft {
namespace {

using std::chrono::milliseconds;

void expect_near(milliseconds wait, milliseconds base) {
  // Fractions of a millisecond are cut off.
  EXPECT_GE(wait.count(), base.count() * 8 / 10);
  EXPECT_LE(wait.count(), base.count() * 12 / 10);
}

TEST(backoff, doubles_up_to_the_cap) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    backoff waits(milliseconds(100), milliseconds(1'000), seed);
    for (const int base : {100, 200, 400, 800, 1'000, 1'000, 1'000})
      expect_near(waits.next(), milliseconds(base));
  }
}

TEST(backoff, begins_anew_after_a_reset) {
  backoff waits(milliseconds(100), milliseconds(10'000), 1);
  for (int i = 0; i < 5; ++i) waits.next();
  waits.reset();
  expect_near(waits.next(), milliseconds(100));
  expect_near(waits.next(), milliseconds(200));
}

TEST(backoff, is_spread_over_the_whole_jitter_also_at_the_cap) {
  backoff waits(milliseconds(1'000), milliseconds(1'000), 1);
  std::set<milliseconds> seen;
  for (int i = 0; i < 1'000; ++i) seen.insert(waits.next());
  EXPECT_LT(*seen.begin(), milliseconds(820));
  EXPECT_GT(*seen.rbegin(), milliseconds(1'180));
  EXPECT_GT(seen.size(), 200U);
}

TEST(backoff, differs_between_nodes) {
  backoff one(milliseconds(10'000), milliseconds(10'000), 1);
  backoff other(milliseconds(10'000), milliseconds(10'000), 2);
  int equal = 0;
  for (int i = 0; i < 20; ++i) equal += one.next() == other.next() ? 1 : 0;
  EXPECT_LT(equal, 3);
}

TEST(backoff, never_waits_for_nothing) {
  backoff waits(milliseconds(1), milliseconds(1), 7);
  for (int i = 0; i < 100; ++i) EXPECT_GE(waits.next(), milliseconds(1));
}

}  // namespace
}  // namespace weft
