#include "actors/balance/retry_budget.hpp"

#include <gtest/gtest.h>

namespace weft {
namespace {

using namespace std::chrono_literals;

class retry_budget_test : public testing::Test {
 protected:
  int allowed(int tries) {
    int count = 0;
    for (int i = 0; i < tries; ++i) count += budget.take(now) ? 1 : 0;
    return count;
  }

  retry_options options{.budget_percent = 20, .budget_floor_per_second = 10};
  retry_budget::clock::time_point now{1h};
  retry_budget budget{options, now};
};

TEST_F(retry_budget_test, a_share_of_the_calls) {
  for (int i = 0; i < 52; ++i) budget.on_call();
  EXPECT_EQ(allowed(100), 10 + 1) << "a fifth of them, and the one that is always there";
}

TEST_F(retry_budget_test, a_few_a_second_whatever_the_calls) {
  allowed(100);
  EXPECT_EQ(allowed(100), 0);
  now += 500ms;
  EXPECT_EQ(allowed(100), 5);
  now += 1h;
  EXPECT_EQ(allowed(100), 10) << "quiet time saves up for one second";
}

TEST_F(retry_budget_test, calls_save_up_for_no_storm) {
  for (int i = 0; i < 100'000; ++i) budget.on_call();
  EXPECT_LE(allowed(1'000), 21);
}

}  // namespace
}  // namespace weft
