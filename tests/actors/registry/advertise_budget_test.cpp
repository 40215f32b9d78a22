// How often a link is told everything: a few times at once, then once an interval.
#include "actors/registry/advertise_budget.hpp"

#include <gtest/gtest.h>

namespace weft {
namespace {

using namespace std::chrono_literals;

class advertise_budget_test : public testing::Test {
 protected:
  int taken_at(advertise_budget::clock::time_point now) {
    int count = 0;
    while (budget.take(now)) ++count;
    return count;
  }

  const advertise_budget::clock::time_point start{1h};
  advertise_budget budget;
};

TEST_F(advertise_budget_test, a_burst_is_bounded) {
  EXPECT_EQ(taken_at(start), 4);
}

TEST_F(advertise_budget_test, one_comes_back_each_interval) {
  taken_at(start);
  EXPECT_EQ(taken_at(start + advertise_interval - 1ns), 0);
  EXPECT_EQ(taken_at(start + advertise_interval), 1);
  EXPECT_EQ(taken_at(start + 3 * advertise_interval), 2);
}

TEST_F(advertise_budget_test, long_silence_gives_no_more_than_at_first) {
  taken_at(start);
  EXPECT_EQ(taken_at(start + 24h), 4);
}

}  // namespace
}  // namespace weft
