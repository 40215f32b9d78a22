#include <vector>

#include <gtest/gtest.h>

#include "actors/balance/policy.hpp"

namespace weft {
namespace {

using namespace std::chrono_literals;

class p2c : public testing::Test {
 protected:
  p2c() {
    for (auto& e : endpoints) {
      e.state = std::make_shared<endpoint_state>();
      all.push_back(&e);
    }
  }
  void answer(std::size_t i, std::chrono::nanoseconds latency) {
    endpoints[i].state->begin();
    endpoints[i].state->end(true, latency, now);
  }
  /// How often the first one is chosen of 200 times.
  int first() {
    int count = 0;
    for (int i = 0; i < 200; ++i) {
      choice_context context{now, random, 0, {}};
      if (choose_p2c(all, context) == &endpoints[0]) ++count;
    }
    return count;
  }

  endpoint_state::clock::time_point now{1h};
  std::vector<endpoint> endpoints = std::vector<endpoint>(2);
  std::vector<const endpoint*> all;
  std::minstd_rand random;
};

TEST_F(p2c, the_one_that_is_expected_to_answer_sooner) {
  answer(0, 1ms);
  answer(1, 10ms);
  EXPECT_EQ(first(), 200);
  for (int i = 0; i < 20; ++i) endpoints[0].state->begin();
  EXPECT_EQ(first(), 0) << "its queue is longer now";
}

TEST_F(p2c, equals_share) {
  answer(0, 1ms);
  answer(1, 1ms);
  EXPECT_GT(first(), 50);
  EXPECT_LT(first(), 150);
}

// An instance on another node costs a hop more: it has to be clearly better.
TEST_F(p2c, the_own_node_is_preferred) {
  endpoints[1].local = false;
  EXPECT_EQ(first(), 200) << "nothing is known of either";
  answer(0, 15ms);
  answer(1, 10ms);
  EXPECT_EQ(first(), 200) << "not clearly better";
  answer(0, 500ms);
  EXPECT_EQ(first(), 0);
}

TEST_F(p2c, another_node_counts_for_the_instances_behind_it) {
  endpoints[1].local = false;
  endpoints[1].weight = 10;
  answer(0, 10ms);
  answer(1, 10ms);
  EXPECT_EQ(first(), 0);
}

}  // namespace
}  // namespace weft
