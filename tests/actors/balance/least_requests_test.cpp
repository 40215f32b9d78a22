#include <vector>

#include <gtest/gtest.h>

#include "actors/balance/policy.hpp"

namespace weft {
namespace {

class least_requests : public testing::Test {
 protected:
  least_requests() {
    for (auto& e : endpoints) {
      e.state = std::make_shared<endpoint_state>();
      all.push_back(&e);
    }
  }
  void load(std::size_t i, int calls) {
    for (int n = 0; n < calls; ++n) endpoints[i].state->begin();
  }
  std::size_t choose() {
    choice_context context{{}, random, turn++, {}};
    return static_cast<std::size_t>(choose_least_requests(all, context) - endpoints.data());
  }

  std::vector<endpoint> endpoints = std::vector<endpoint>(3);
  std::vector<const endpoint*> all;
  std::minstd_rand random;
  std::uint64_t turn = 0;
};

TEST_F(least_requests, the_least_busy_one_is_chosen) {
  load(0, 2);
  load(1, 1);
  load(2, 3);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(choose(), 1U);
}

TEST_F(least_requests, equals_take_turns) {
  EXPECT_EQ(choose(), 0U);
  EXPECT_EQ(choose(), 1U);
  EXPECT_EQ(choose(), 2U);
  EXPECT_EQ(choose(), 0U);
}

TEST_F(least_requests, another_node_counts_for_as_many_instances_as_it_has) {
  load(0, 2);
  load(1, 3);
  load(2, 2);
  endpoints[1].weight = 4;
  EXPECT_EQ(choose(), 1U);
}

}  // namespace
}  // namespace weft
