// Waiting that another thread can end.
#include "actors/runtime/interruptible_wait.hpp"

#include <thread>

#include <gtest/gtest.h>

namespace weft {
namespace {

using namespace std::chrono_literals;

TEST(interruptible_wait, waits_for_its_time) {
  interruptible_wait pause;
  const auto began = std::chrono::steady_clock::now();
  EXPECT_TRUE(pause.wait_for(2ms));
  EXPECT_GE(std::chrono::steady_clock::now() - began, 2ms);
}

TEST(interruptible_wait, ends_when_another_thread_says_so) {
  interruptible_wait pause;
  std::thread other([&] { pause.interrupt(); });
  EXPECT_FALSE(pause.wait_for(10min));
  other.join();
}

TEST(interruptible_wait, does_not_begin_afterwards) {
  interruptible_wait pause;
  pause.interrupt();
  EXPECT_FALSE(pause.wait_for(10min));
  EXPECT_FALSE(pause.wait_for(10min));
}

}  // namespace
}  // namespace weft
