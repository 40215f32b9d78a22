// Waiting for permits, under a clock of the test and without a router.
#include "actors/admission/waiting_room.hpp"

#include <gtest/gtest.h>

namespace weft {
namespace {

using namespace std::chrono_literals;

class waiting_room_test : public testing::Test {
 protected:
  std::shared_ptr<admission_state> limited = std::make_shared<admission_state>(1);
  limit_options limits;
  waiting_room room{limits, 0, 1};
  waiting_room::clock::time_point now{1h};
  waiting_call a;
  waiting_call b;
};

TEST_F(waiting_room_test, a_permit_is_free_until_the_limit) {
  EXPECT_TRUE(room.has_permit(*limited));
  limited->enter();
  EXPECT_FALSE(room.has_permit(*limited));
  limited->leave();
  EXPECT_TRUE(room.has_permit(*limited));
}

TEST_F(waiting_room_test, whoever_waits_already_goes_first) {
  room.push(a, limited, now);
  EXPECT_FALSE(room.has_permit(*limited)) << "it is for the one that waits";
  room.push(b, limited, now + 1ms);
  EXPECT_EQ(room.length(*limited), 2U);
  EXPECT_EQ(room.first(*limited), &a);
  EXPECT_EQ(room.remove(a, limited, now + 3ms), 3ms);
  EXPECT_EQ(room.first(*limited), &b);
  room.remove(b, limited, now + 3ms);
  EXPECT_EQ(room.first(*limited), nullptr);
  EXPECT_TRUE(room.has_permit(*limited));
  EXPECT_EQ(limited->waiting(), 0);
}

// CoDel's two intervals: a burst may wait long, a queue that stands may not.
TEST_F(waiting_room_test, a_burst_waits_for_the_interval_and_a_standing_queue_for_the_target) {
  room.push(a, limited, now);
  EXPECT_FALSE(room.is_late(a, *limited, now + limits.queue_interval));
  EXPECT_TRUE(room.is_late(a, *limited, now + limits.queue_interval + 1ms));
  const auto later = now + limits.queue_interval;
  room.push(b, limited, later);
  room.remove(a, limited, later + 1ms);
  EXPECT_FALSE(room.is_late(b, *limited, later + limits.queue_target));
  EXPECT_TRUE(room.is_late(b, *limited, later + limits.queue_target + 1ms));
}

TEST_F(waiting_room_test, permits_are_offered_to_those_who_wait_in_turn) {
  waiting_room other(limits, 1, 2);
  waiting_room here(limits, 0, 2);
  here.freed(limited);
  ASSERT_TRUE(here.any_freed());
  EXPECT_EQ(here.next_offer().reactor_index, 2U) << "nobody waits";
  EXPECT_FALSE(here.any_freed());
  other.push(b, limited, now);
  here.push(a, limited, now);
  EXPECT_TRUE(here.any_freed()) << "another reactor may have freed one just before";
  EXPECT_EQ(here.next_offer().reactor_index, 1U) << "the other one first";
  other.remove(b, limited, now);
  here.freed(limited);
  EXPECT_EQ(here.next_offer().reactor_index, 0U);
  here.remove(a, limited, now);
}

TEST_F(waiting_room_test, a_new_table_is_a_chance_for_all_that_wait) {
  room.offer_all();
  EXPECT_FALSE(room.any_freed());
  room.push(a, limited, now);
  room.offer_all();
  EXPECT_TRUE(room.any_freed());
  room.remove(a, limited, now);
}

}  // namespace
}  // namespace weft
