#include "node/commands/bench/histogram.hpp"

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace weft::tools {
namespace {

TEST(histogram, is_zero_while_empty) {
  histogram empty;
  EXPECT_EQ(empty.count(), 0U);
  EXPECT_EQ(empty.quantile(0.5), 0U);
  EXPECT_EQ(empty.min(), 0U);
  EXPECT_EQ(empty.max(), 0U);
  EXPECT_EQ(empty.mean(), 0.0);
}

TEST(histogram, errs_by_less_than_one_percent_over_the_whole_range) {
  std::mt19937_64 random(7);
  for (unsigned bits = 1; bits <= 64; ++bits) {
    for (int round = 0; round < 200; ++round) {
      std::uint64_t value = (random() >> (64 - bits)) | (std::uint64_t{1} << (bits - 1));
      histogram one;
      one.record(value);
      // Other extremes, so that the answer comes from the bucket and not from the exact minimum and maximum.
      one.record(0);
      one.record(UINT64_MAX);
      auto reported = static_cast<double>(one.quantile(0.5));
      EXPECT_NEAR(reported, static_cast<double>(value), static_cast<double>(value) * 0.01) << value;
    }
  }
}

TEST(histogram, is_exact_for_small_values) {
  for (std::uint64_t value = 0; value < 256; ++value) {
    histogram one;
    one.record(0);
    one.record(value);
    one.record(UINT64_MAX);
    EXPECT_EQ(one.quantile(0.6), value);
  }
}

TEST(histogram, agrees_with_sorted_values) {
  std::mt19937_64 random(11);
  std::lognormal_distribution<double> latencies(11, 1.5);
  histogram measured;
  std::vector<std::uint64_t> values;
  for (int i = 0; i < 20'000; ++i) {
    values.push_back(static_cast<std::uint64_t>(latencies(random)));
    measured.record(values.back());
  }
  std::ranges::sort(values);
  for (double fraction : {0.001, 0.1, 0.5, 0.9, 0.99, 0.999}) {
    auto rank = static_cast<std::size_t>(std::ceil(fraction * static_cast<double>(values.size())));
    auto exact = static_cast<double>(values[rank - 1]);
    EXPECT_NEAR(static_cast<double>(measured.quantile(fraction)), exact, exact * 0.01) << fraction;
  }
  EXPECT_EQ(measured.quantile(1), values.back());
  EXPECT_EQ(measured.max(), values.back());
  EXPECT_EQ(measured.min(), values.front());
}

TEST(histogram, forgets_when_cleared) {
  histogram measured;
  measured.record(123'456);
  measured.clear();
  EXPECT_EQ(measured.count(), 0U);
  measured.record(5);
  EXPECT_EQ(measured.quantile(0.5), 5U);
  EXPECT_EQ(measured.max(), 5U);
}

}  // namespace
}  // namespace weft::tools
