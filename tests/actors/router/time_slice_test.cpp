// How long the messages of one connection may take.
#include "actors/router/time_slice.hpp"

#include <gtest/gtest.h>

#include "tests/actors/transport/resources_case.hpp"

namespace weft {
namespace {

using namespace std::chrono_literals;

class time_slice_test : public resources_case {
 protected:
  static constexpr auto length = 10s;

  time_slice much() const {
    batch->bytes = inbound_batch::few_bytes + 1;
    return {length, *batch};
  }
  void begin(coro::clock::duration ago) const { batch->began = coro::clock::now() - ago; }

  message_pool<inbound_batch>::pointer batch = shared.inbound.take();
};

TEST_F(time_slice_test, a_batch_of_little_is_not_measured) {
  begin(1h);
  batch->bytes = inbound_batch::few_bytes;
  batch->items.resize(64);
  const time_slice slice(length, *batch);
  EXPECT_FALSE(slice.is_measured());
  EXPECT_FALSE(slice.is_over());
  EXPECT_FALSE(slice.is_over_before(4));
}

TEST_F(time_slice_test, many_bytes_or_many_messages_are_measured) {
  EXPECT_TRUE(much().is_measured());
  batch->bytes = 1;
  batch->items.resize(65);
  EXPECT_TRUE(time_slice(length, *batch).is_measured());
}

TEST_F(time_slice_test, it_counts_from_when_they_were_looked_at_first) {
  begin(length + 1s);
  EXPECT_TRUE(much().is_over());
  begin(0s);
  EXPECT_FALSE(much().is_over());
}

TEST_F(time_slice_test, it_counts_from_now_when_they_were_not_looked_at_before) {
  EXPECT_FALSE(much().is_over());
}

TEST_F(time_slice_test, the_first_message_has_its_time_and_the_clock_is_read_now_and_then) {
  begin(length + 1s);
  const auto slice = much();
  EXPECT_FALSE(slice.is_over_before(0)) << "or nothing would ever be done";
  EXPECT_FALSE(slice.is_over_before(3));
  EXPECT_TRUE(slice.is_over_before(4));
  EXPECT_FALSE(slice.is_over_before(5));
  EXPECT_TRUE(slice.is_over_before(8));
  begin(0s);
  EXPECT_FALSE(much().is_over_before(4));
}

}  // namespace
}  // namespace weft
