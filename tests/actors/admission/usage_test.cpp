#include "actors/admission/usage.hpp"

#include <optional>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace weft {
namespace {

class usage_account_test : public testing::Test {
 protected:
  std::expected<usage_account, usage_account::refusal> take(const std::shared_ptr<node_count>& own) {
    return usage_account::take(all, 3, own, 2);
  }
  static std::shared_ptr<node_count> count() { return std::make_shared<node_count>(0); }

  std::shared_ptr<node_count> all = count();
  std::shared_ptr<node_count> mine = count();
  std::shared_ptr<node_count> others = count();
};

TEST_F(usage_account_test, nobody_has_more_than_its_share) {
  const auto first = take(mine);
  const auto second = take(mine);
  ASSERT_TRUE(first && second);
  const auto third = take(mine);
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error(), usage_account::refusal::share);
  EXPECT_EQ(*all, 2) << "what is refused counts nowhere";
  EXPECT_EQ(*mine, 2);
  EXPECT_TRUE(take(others));
}

TEST_F(usage_account_test, all_together_have_the_limit) {
  const auto first = take(mine);
  const auto second = take(mine);
  const auto third = take(others);
  const auto fourth = take(others);
  ASSERT_TRUE(third);
  ASSERT_FALSE(fourth);
  EXPECT_EQ(fourth.error(), usage_account::refusal::limit);
  EXPECT_EQ(*others, 1) << "what is refused counts nowhere";
}

TEST_F(usage_account_test, without_a_share_only_the_limit_counts) {
  std::vector<usage_account> taken;
  for (int i = 0; i < 3; ++i) {
    auto account = take(nullptr);
    ASSERT_TRUE(account);
    taken.push_back(std::move(*account));
  }
  EXPECT_FALSE(take(nullptr));
}

TEST_F(usage_account_test, a_share_may_be_all_that_counts) {
  auto first = usage_account::take_of_share(mine, 2);
  const auto second = usage_account::take_of_share(mine, 2);
  EXPECT_TRUE(first && second);
  EXPECT_FALSE(usage_account::take_of_share(mine, 2));
  EXPECT_EQ(*mine, 2) << "what is refused counts nowhere";
  first.reset();
  EXPECT_TRUE(usage_account::take_of_share(mine, 2));
}

TEST_F(usage_account_test, is_given_back_once_whoever_asked_is_gone) {
  std::optional<usage_account> kept;
  {
    auto taken = take(mine);
    ASSERT_TRUE(taken);
    kept = std::move(*taken);
  }
  EXPECT_EQ(*all, 1) << "what was moved on is still taken";
  const std::weak_ptr<node_count> caller = mine;
  mine.reset();
  EXPECT_EQ(*caller.lock(), 1);
  std::thread([&] { kept->release(); }).join();
  EXPECT_TRUE(caller.expired());
  kept.reset();
  EXPECT_EQ(*all, 0) << "its end gives nothing back twice";
}

TEST_F(usage_account_test, an_account_that_is_replaced_is_given_back) {
  auto first = take(mine);
  auto second = take(others);
  ASSERT_TRUE(first && second);
  *first = std::move(*second);
  EXPECT_EQ(*mine, 0);
  EXPECT_EQ(*others, 1);
  EXPECT_EQ(*all, 1);
}

TEST_F(usage_account_test, two_threads_never_take_more_than_there_is) {
  constexpr int tries = 10'000;
  std::atomic<bool> too_many{false};
  const auto work = [&](const std::shared_ptr<node_count>& own) {
    for (int i = 0; i < tries; ++i) {
      const auto taken = usage_account::take(all, 1, own, 1);
      // Each of both may be counted for a moment by a try that is refused.
      if (taken && all->load() > 2) too_many = true;
    }
  };
  {
    const std::jthread one(work, mine);
    const std::jthread two(work, others);
  }
  EXPECT_FALSE(too_many);
  EXPECT_EQ(*all, 0);
  EXPECT_EQ(*mine, 0);
  EXPECT_EQ(*others, 0);
}

TEST(identity_counts_test, an_identity_has_one_count_and_each_its_own) {
  identity_counts counts;
  EXPECT_EQ(counts.of("orders", {}).blocking, counts.of("orders", {}).blocking);
  EXPECT_NE(counts.of("orders", {}).blocking, counts.of("billing", {}).blocking);
  EXPECT_EQ(counts.of("orders", {}).connections, counts.of("orders", {}).connections);
  EXPECT_NE(counts.of("orders", {}).connections, counts.of("orders", {}).blocking);
}

TEST(identity_counts_test, what_counts_is_told_apart) {
  identity_counts counts;
  const auto orders = counts.of("orders", {});
  EXPECT_EQ(orders.in_flight, counts.of("orders", {}).in_flight);
  EXPECT_NE(orders.in_flight, counts.of("billing", {}).in_flight);
  EXPECT_NE(orders.in_flight, orders.connections);
}

TEST(identity_counts_test, an_identity_without_limits_has_no_quota) {
  identity_counts counts;
  EXPECT_FALSE(counts.of("orders", {}).quota);
  EXPECT_TRUE(counts.of("orders", {.connections = 1}).quota);
}

TEST(identity_counts_test, a_quota_goes_on_while_its_limits_are_the_same) {
  identity_counts counts;
  const quota_limits limits{.calls_per_second = 10, .burst = 2};
  const auto first = counts.of("orders", limits).quota;
  EXPECT_EQ(counts.of("orders", limits).quota, first);
  EXPECT_NE(counts.of("billing", limits).quota, first);
}

TEST(identity_counts_test, a_quota_begins_anew_with_other_limits_and_what_is_under_way_counts_on) {
  identity_counts counts;
  const auto before = counts.of("orders", {.calls_per_second = 10, .burst = 2});
  before.in_flight->store(3);
  const auto after = counts.of("orders", {.calls_per_second = 20, .burst = 2});
  ASSERT_TRUE(after.quota);
  EXPECT_NE(after.quota, before.quota);
  EXPECT_EQ(after.quota->limits().calls_per_second, 20);
  EXPECT_EQ(*after.in_flight, 3);
  EXPECT_FALSE(counts.of("orders", {}).quota) << "the limits were taken away";
  EXPECT_EQ(*counts.of("orders", {}).in_flight, 3);
}

TEST(usage_test, a_connection_has_a_count_of_its_own_when_it_needs_one) {
  usage one;
  usage other;
  EXPECT_FALSE(one.blocking);
  EXPECT_EQ(one.blocking_count(), one.blocking_count());
  EXPECT_NE(one.blocking_count(), other.blocking_count());
}

}  // namespace
}  // namespace weft
