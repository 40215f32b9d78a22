#include "actors/balance/endpoint.hpp"

#include <gtest/gtest.h>

namespace weft {
namespace {

TEST(endpoint_state, a_probe_that_tells_nothing_makes_room_for_another) {
  const auto now = endpoint_state::clock::now();
  endpoint_state state;
  state.eject({}, now, 1.0);
  const auto later = now + std::chrono::hours(1);
  ASSERT_EQ(state.state(later), endpoint_state::health::probation);
  EXPECT_TRUE(state.take_probe());
  EXPECT_FALSE(state.take_probe()) << "one at a time";
  state.begin();
  state.end_unknown();
  EXPECT_TRUE(state.take_probe()) << "its caller took it back";
  state.release_probe();
  EXPECT_TRUE(state.take_probe()) << "it was never sent";
}

}  // namespace
}  // namespace weft
