// Which failed attempts are followed by another one, and what they cost.
#include "actors/router/retries.hpp"

#include "tests/actors/router/parts_case.hpp"

namespace weft {
namespace {

using namespace std::chrono_literals;

class retries_test : public parts_case {
 protected:
  retries_test() {
    c.asked.deadline = site.now() + 1h;
    c.attempts.tried.add({0, {1, 1}});
    serving.endpoints.resize(2);
  }
  std::optional<std::chrono::milliseconds> wait(executed ran) {
    return tries.wait_before_next(c, site.unavailable("gone", ran), serving);
  }

  std::minstd_rand random{7};
  retries tries{site, random};
  call c{*this};
  route serving;
};

TEST_F(retries_test, what_did_not_run_goes_to_another_instance_at_once) {
  EXPECT_EQ(wait(executed::no), 0ms);
  EXPECT_FALSE(c.attempts.may_have_run);
  EXPECT_EQ(counted(metric::retries), 1);
}

TEST_F(retries_test, what_may_have_run_is_only_tried_again_where_that_does_no_harm) {
  EXPECT_FALSE(wait(executed::unknown));
  for (auto& e : serving.endpoints) e.idempotent = true;
  EXPECT_EQ(wait(executed::unknown), 0ms);
  EXPECT_TRUE(c.attempts.may_have_run);
}

TEST_F(retries_test, the_only_instance_gets_time_to_recover) {
  serving.endpoints.resize(1);
  const auto first = wait(executed::no);
  ASSERT_TRUE(first);
  EXPECT_GT(*first, 0ms);
}

TEST_F(retries_test, none_is_begun_that_the_deadline_would_end) {
  serving.endpoints.resize(1);
  c.asked.deadline = site.now();
  EXPECT_FALSE(wait(executed::no));
}

TEST_F(retries_test, they_stop_at_the_most_attempts) {
  for (std::uint32_t i = 2; i <= options.balance.retry.attempts; ++i) c.attempts.tried.add({0, {i, 1}});
  serving.endpoints.resize(max_attempts);
  EXPECT_FALSE(wait(executed::no));
}

TEST_F(retries_test, the_budget_bounds_them) {
  int paid = 0;
  while (paid < 10'000 && tries.take_budget()) ++paid;
  EXPECT_LT(paid, 10'000);
  EXPECT_FALSE(wait(executed::no));
  EXPECT_GE(counted(metric::retry_budget_exhausted), 2);
}

}  // namespace
}  // namespace weft
