// Which instance is chosen, under a clock of the test and without a router.
#include "actors/balance/picker.hpp"

#include <set>
#include <vector>

#include <gmock/gmock.h>

namespace weft {
namespace {

using std::chrono::hours;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;
using time_point = std::chrono::steady_clock::time_point;

class picker_test : public testing::Test {
 protected:
  picker_test() { policy = find_balance_policy("round_robin"); }

  endpoint& add(bool local = true) {
    endpoint e;
    e.connection = {endpoints.size(), {static_cast<std::uint32_t>(endpoints.size()), 1}};
    e.local = local;
    e.state = std::make_shared<endpoint_state>();
    endpoints.push_back(std::move(e));
    return endpoints.back();
  }
  void add_many(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) add();
  }
  void eject(std::size_t i) { endpoints[i].state->eject({}, now, 1.0); }

  const endpoint* pick() {
    return choose.pick(endpoints, *policy, {now, &tried, {}, local_only},
                       [&](const endpoint& e) { return !unusable.contains(e.connection.reactor_index); });
  }
  /// Numbers of the instances that 30 picks came to.
  std::set<std::size_t> picked() {
    std::set<std::size_t> numbers;
    for (int i = 0; i < 30; ++i) {
      if (const auto* e = pick()) numbers.insert(e->connection.reactor_index);
    }
    return numbers;
  }

  std::vector<endpoint> endpoints;
  std::set<std::size_t> unusable;
  const balance_policy* policy;
  tried_instances tried;
  bool local_only = false;
  time_point now{hours(1)};
  picker choose{50};
};

TEST_F(picker_test, nobody_can_be_called) {
  EXPECT_EQ(pick(), nullptr);
  add_many(2);
  unusable = {0, 1};
  EXPECT_EQ(pick(), nullptr);
}

TEST_F(picker_test, all_that_are_well_get_their_turn) {
  add_many(3);
  EXPECT_THAT(picked(), UnorderedElementsAre(0, 1, 2));
  unusable = {1};
  EXPECT_THAT(picked(), UnorderedElementsAre(0, 2));
}

TEST_F(picker_test, an_ejected_one_is_left_out) {
  add_many(3);
  eject(1);
  EXPECT_THAT(picked(), UnorderedElementsAre(0, 2));
}

// Of one instance, of two and of three: ejections are ignored once fewer than half are well.
TEST_F(picker_test, with_too_few_well_all_are_tried) {
  add_many(1);
  eject(0);
  EXPECT_THAT(picked(), UnorderedElementsAre(0));
  add();
  EXPECT_THAT(picked(), UnorderedElementsAre(1)) << "one of two is half";
  add();
  EXPECT_THAT(picked(), UnorderedElementsAre(1, 2));
  eject(2);
  EXPECT_THAT(picked(), UnorderedElementsAre(0, 1, 2)) << "one of three is less than half";
}

TEST_F(picker_test, probation_lets_one_real_call_through) {
  add_many(3);
  eject(1);
  now += hours(1);
  ASSERT_EQ(endpoints[1].state->state(now), endpoint_state::health::probation);
  EXPECT_EQ(pick()->connection.reactor_index, 1U) << "it is looked at first";
  EXPECT_THAT(picked(), UnorderedElementsAre(0, 2)) << "until that call has ended";
  endpoints[1].state->release_probe();
  EXPECT_EQ(pick()->connection.reactor_index, 1U);
}

TEST_F(picker_test, one_that_was_tried_comes_last) {
  add_many(2);
  tried.add(endpoints[0].connection);
  EXPECT_THAT(picked(), UnorderedElementsAre(1));
  unusable = {1};
  EXPECT_THAT(picked(), UnorderedElementsAre(0)) << "better than none";
}

TEST_F(picker_test, one_that_is_full_is_none) {
  add_many(2);
  endpoints[0].max_in_flight = 1;
  endpoints[0].state->begin();
  EXPECT_THAT(picked(), UnorderedElementsAre(1));
  endpoints[1].max_in_flight = 1;
  endpoints[1].state->begin();
  EXPECT_THAT(picked(), IsEmpty());
}

TEST_F(picker_test, what_another_node_sent_on_stays_here) {
  add(true);
  add(false);
  EXPECT_THAT(picked(), UnorderedElementsAre(0, 1));
  local_only = true;
  EXPECT_THAT(picked(), UnorderedElementsAre(0));
}

TEST_F(picker_test, one_whose_node_drains_is_called_when_there_is_no_other) {
  add_many(2);
  endpoints[0].leaving = true;
  EXPECT_THAT(picked(), UnorderedElementsAre(1));
  unusable = {1};
  EXPECT_THAT(picked(), UnorderedElementsAre(0));
}

TEST(policies, are_found_by_their_names) {
  std::vector<std::string_view> names;
  for (const auto& policy : balance_policies()) {
    names.push_back(policy.name);
    EXPECT_EQ(find_balance_policy(policy.name), &policy);
    EXPECT_FALSE(policy.help.empty());
  }
  EXPECT_EQ(names.front(), "p2c") << "the default";
  EXPECT_EQ(find_balance_policy("best"), nullptr);
}

TEST(consistent_hash, goes_by_what_the_key_stands_for) {
  std::vector<endpoint> endpoints(5);
  std::vector<const endpoint*> all;
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    endpoints[i].instance = std::to_string(i);
    all.push_back(&endpoints[i]);
  }
  std::minstd_rand random;
  const auto chosen = [&](std::string_view key) {
    choice_context context{{}, random, 0, key};
    return choose_consistent_hash(all, context);
  };
  for (int i = 0; i < 20; ++i) {
    const auto name = std::to_string(i);
    EXPECT_EQ(chosen("\"\u00e9" + name + "\""), chosen("\"\\u00e9" + name + "\"")) << name;
  }
}

}  // namespace
}  // namespace weft
