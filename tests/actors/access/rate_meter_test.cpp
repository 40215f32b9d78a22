#include "actors/access/rate_meter.hpp"

#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace weft {
namespace {

using namespace std::chrono_literals;

const rate_meter::clock::time_point start{1h};

TEST(rate_meter, gives_a_burst_and_then_its_rate) {
  rate_meter meter(10, 3);
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(meter.take(start));
  EXPECT_EQ(meter.take(start), 100ms);
  EXPECT_EQ(meter.take(start + 99ms), 1ms);
  EXPECT_FALSE(meter.take(start + 100ms));
  EXPECT_EQ(meter.take(start + 100ms), 100ms);
}

TEST(rate_meter, has_no_more_than_a_burst_after_a_pause) {
  rate_meter meter(10, 2);
  EXPECT_FALSE(meter.take(start + 1h));
  EXPECT_FALSE(meter.take(start + 1h));
  EXPECT_TRUE(meter.take(start + 1h));
}

TEST(rate_meter, refuses_without_taking) {
  rate_meter meter(1, 1);
  EXPECT_FALSE(meter.take(start));
  for (int i = 0; i < 10; ++i) EXPECT_EQ(meter.take(start + 500ms), 500ms);
  EXPECT_FALSE(meter.take(start + 1s));
}

TEST(rate_meter, weighs_what_is_taken) {
  rate_meter meter(1'000, 1'000);
  EXPECT_FALSE(meter.take(start, 600));
  EXPECT_EQ(meter.take(start, 600), 200ms);
  EXPECT_FALSE(meter.take(start + 200ms, 600));
}

TEST(rate_meter, lets_through_what_is_larger_than_a_burst_once_all_of_it_is_free) {
  rate_meter meter(1'000, 1'000);
  EXPECT_FALSE(meter.take(start, 5'000));
  EXPECT_EQ(meter.take(start, 5'000), 5s) << "and it is to be made up for";
  EXPECT_EQ(meter.take(start + 4s, 1), 1ms);
  EXPECT_FALSE(meter.take(start + 5s, 5'000));
}

TEST(rate_meter, charges_what_cannot_be_refused) {
  rate_meter meter(1'000, 1'000);
  meter.charge(start, 3'000);
  EXPECT_EQ(meter.take(start, 1), 2s + 1ms);
  EXPECT_FALSE(meter.take(start + 2s + 1ms, 1));
}

TEST(rate_meter, counts_exactly_for_several_threads) {
  rate_meter meter(1, 10'000);
  std::atomic<int> given{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int j = 0; j < 5'000; ++j) given += meter.take(start) ? 0 : 1;
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(given, 10'000);
}

}  // namespace
}  // namespace weft
