#include "actors/telemetry/log_budget.hpp"

#include <gtest/gtest.h>

namespace weft {
namespace {

using std::chrono::milliseconds;

class log_budget_test : public testing::Test {
 protected:
  std::optional<std::uint64_t> take_at(milliseconds time) { return budget.take(began + time); }

  coro::clock::time_point began{std::chrono::seconds(1'000)};
  log_budget budget{3};
};

TEST_F(log_budget_test, so_many_lines_a_second_and_the_next_says_how_many_were_left_out) {
  for (int i = 0; i < 3; ++i) EXPECT_EQ(take_at(milliseconds(i)), 0U);
  for (int i = 3; i < 10; ++i) EXPECT_EQ(take_at(milliseconds(i)), std::nullopt);
  EXPECT_EQ(take_at(milliseconds(999)), std::nullopt);
  EXPECT_EQ(take_at(milliseconds(1'000)), 8U);
  EXPECT_EQ(take_at(milliseconds(1'001)), 0U);
  EXPECT_EQ(take_at(milliseconds(1'002)), 0U);
  EXPECT_EQ(take_at(milliseconds(1'003)), std::nullopt);
}

TEST_F(log_budget_test, a_second_begins_with_its_first_line) {
  EXPECT_EQ(take_at(milliseconds(900)), 0U);
  EXPECT_EQ(take_at(milliseconds(1'800)), 0U);
  EXPECT_EQ(take_at(milliseconds(1'899)), 0U);
  EXPECT_EQ(take_at(milliseconds(1'899)), std::nullopt);
  EXPECT_EQ(take_at(milliseconds(1'900)), 1U);
}

TEST_F(log_budget_test, the_note_is_there_when_something_is_missing) {
  EXPECT_EQ(left_out_note(0), "");
  EXPECT_EQ(left_out_note(8), " (8 such lines left out)");
}

}  // namespace
}  // namespace weft
