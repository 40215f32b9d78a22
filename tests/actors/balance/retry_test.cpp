#include "actors/balance/retry.hpp"

#include <gtest/gtest.h>

namespace weft {
namespace {

using std::chrono::milliseconds;

class retry : public testing::Test {
 protected:
  bool allowed(error_code code, executed ran, bool idempotent, std::uint8_t attempts = 1) {
    const auto error = make_mesh_error(code, "x", ran, "n");
    return is_retryable({error, attempts, idempotent, 3}, options);
  }

  retry_options options;
  std::minstd_rand random;
};

TEST_F(retry, what_certainly_did_not_run_may_run_again) {
  EXPECT_TRUE(allowed(error_code::unavailable, executed::no, false));
  EXPECT_TRUE(allowed(error_code::resource_exhausted, executed::no, false));
}

TEST_F(retry, what_may_have_run_only_when_that_does_no_harm) {
  EXPECT_FALSE(allowed(error_code::unavailable, executed::unknown, false));
  EXPECT_TRUE(allowed(error_code::unavailable, executed::unknown, true));
  EXPECT_FALSE(allowed(error_code::resource_exhausted, executed::unknown, true))
      << "it was answered, not lost";
  EXPECT_FALSE(allowed(error_code::deadline_exceeded, executed::no, true));
}

TEST_F(retry, an_error_of_the_application_is_an_answer) {
  const auto error = make_error(error_code::internal_error, "x");
  EXPECT_FALSE(is_retryable({error, 1, true, 3}, options));
}

TEST_F(retry, attempts_have_a_limit) {
  options.attempts = 3;
  EXPECT_TRUE(allowed(error_code::unavailable, executed::no, true, 2));
  EXPECT_FALSE(allowed(error_code::unavailable, executed::no, true, 3));
  options.attempts = 100;
  EXPECT_FALSE(allowed(error_code::unavailable, executed::no, true, max_attempts));
}

TEST_F(retry, another_instance_is_tried_at_once_the_same_one_later_and_later) {
  const auto error = make_mesh_error(error_code::unavailable, "x", executed::no, "n");
  EXPECT_EQ(retry_wait({error, 1, true, 2}, options, random), milliseconds(0));
  const auto first = retry_wait({error, 1, true, 1}, options, random);
  const auto third = retry_wait({error, 3, true, 1}, options, random);
  EXPECT_GE(first, options.backoff_initial * 8 / 10);
  EXPECT_LE(first, options.backoff_initial * 12 / 10);
  EXPECT_GT(third, first);
  EXPECT_LE(retry_wait({error, 7, true, 1}, options, random), options.backoff_max * 12 / 10);
}

TEST(tried_instances, are_remembered_in_order) {
  tried_instances tried;
  for (std::uint32_t i = 0; i < max_attempts; ++i) {
    EXPECT_FALSE(tried.full());
    tried.add({0, {i, 1}});
    EXPECT_EQ(tried.last().key.slot, i);
  }
  EXPECT_TRUE(tried.full());
  EXPECT_TRUE(tried.contains({0, {3, 1}}));
  EXPECT_FALSE(tried.contains({1, {3, 1}}));
  tried.clear();
  EXPECT_FALSE(tried.contains({0, {3, 1}}));
}

}  // namespace
}  // namespace weft
