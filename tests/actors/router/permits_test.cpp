// Permits of a limited method: taken, given back, waited for.
#include "actors/router/permits.hpp"

#include "tests/actors/router/parts_case.hpp"

namespace weft {
namespace {

class permits_test : public parts_case {
 protected:
  const permits::limit one = std::make_shared<admission_state>(1);
  call first{*this};
  call second{*this};
};

TEST_F(permits_test, one_is_there_until_it_is_taken_and_again_when_it_is_given_back) {
  EXPECT_TRUE(work.permits.has(one));
  permits::enter(first.attempts[0], one);
  EXPECT_FALSE(work.permits.has(one));
  work.permits.leave(first.attempts[0]);
  EXPECT_TRUE(work.permits.has(one));
  EXPECT_TRUE(work.permits.waiting().any_freed()) << "whoever waits elsewhere is to hear of it";
}

TEST_F(permits_test, who_waits_goes_first) {
  permits::enter(first.attempts[0], one);
  second.asked.deadline = site.now() + std::chrono::hours(1);
  ASSERT_FALSE(work.permits.wait(second, one));
  EXPECT_EQ(second.paused, call::pause::queue);
  EXPECT_EQ(counted(metric::queue_length), 1);
  work.permits.leave(first.attempts[0]);
  EXPECT_FALSE(work.permits.has(one));
  EXPECT_EQ(work.permits.waiting().first(*one), &second);
  work.permits.stop_waiting(second);
  EXPECT_TRUE(work.permits.has(one));
  EXPECT_EQ(second.paused, call::pause::none);
  EXPECT_EQ(counted(metric::queue_length), 0);
}

TEST_F(permits_test, as_many_wait_as_may) {
  options.limits.queue_length = 0;
  const auto refused = work.permits.wait(second, one);
  ASSERT_TRUE(refused);
  EXPECT_NE(refused->find("limits.queue_length"), std::string::npos);
  EXPECT_EQ(counted(metric::limit_queue_length), 1);
}

TEST_F(permits_test, nobody_waits_for_more_than_its_share) {
  options.limits.queue_length = 4;
  options.limits.share_percent = 25;
  usage charged;
  first.caller.charged = second.caller.charged = &charged;
  first.asked.deadline = second.asked.deadline = site.now() + std::chrono::hours(1);
  ASSERT_FALSE(work.permits.wait(first, one));
  const auto refused = work.permits.wait(second, one);
  ASSERT_TRUE(refused);
  EXPECT_NE(refused->find("limits.share_percent"), std::string::npos);
  work.permits.stop_waiting(first);
}

}  // namespace
}  // namespace weft
