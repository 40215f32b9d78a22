// Durations by method and outcome, with a bound on how many series callers can bring into being.
#include "actors/telemetry/call_stats.hpp"

#include <algorithm>
#include <numeric>

#include <gtest/gtest.h>

namespace weft {
namespace {

using std::chrono::microseconds;
using std::chrono::nanoseconds;
using std::chrono::seconds;

std::vector<call_series> series_of(const call_stats& stats) {
  std::vector<call_series> all;
  stats.append_to(all);
  return all;
}

std::uint64_t count_of(const call_series& series) {
  return std::accumulate(series.buckets.begin(), series.buckets.end(), std::uint64_t{0});
}

TEST(duration_histogram, counts_each_duration_in_the_first_bucket_that_holds_it) {
  duration_histogram histogram;
  histogram.observe(nanoseconds(0));
  histogram.observe(nanoseconds(duration_bounds_ns[0]));
  histogram.observe(nanoseconds(duration_bounds_ns[0] + 1));
  histogram.observe(seconds(3600));
  EXPECT_EQ(histogram.bucket(0), 2);
  EXPECT_EQ(histogram.bucket(1), 1);
  EXPECT_EQ(histogram.bucket(duration_bounds_ns.size()), 1);
  EXPECT_EQ(histogram.sum_ns(), 2 * duration_bounds_ns[0] + 1 + 3'600'000'000'000);
}

TEST(duration_bounds, ascend_from_50_microseconds) {
  EXPECT_EQ(duration_bounds_ns.front(), 50'000);
  EXPECT_TRUE(std::ranges::is_sorted(duration_bounds_ns));
}

TEST(call_stats, has_no_series_before_something_is_observed) {
  call_stats stats(4'096, 25);
  stats.server("foo");
  stats.client("127.0.0.1", 1, "foo");
  EXPECT_TRUE(series_of(stats).empty());
}

TEST(call_stats, keeps_methods_and_codes_apart) {
  call_stats stats(4'096, 25);
  stats.server("foo").observe(0, microseconds(10));
  stats.server("foo").observe(0, microseconds(20));
  stats.server("foo").observe(-32603, microseconds(30));
  stats.server("bar").observe(0, microseconds(40));
  stats.server_other().observe(-32601, microseconds(50));
  auto all = series_of(stats);
  merge_series(all);
  ASSERT_EQ(all.size(), 4U);
  EXPECT_EQ(all[0].method, "_OTHER");
  EXPECT_EQ(all[0].code, -32601);
  EXPECT_EQ(all[1].method, "bar");
  EXPECT_EQ(all[2].method, "foo");
  EXPECT_EQ(all[2].code, -32603);
  EXPECT_EQ(all[3].code, 0);
  EXPECT_EQ(count_of(all[3]), 2U);
  EXPECT_EQ(all[3].sum_ns, 30'000U);
}

TEST(call_stats, tells_peers_apart_on_the_client_side) {
  call_stats stats(4'096, 25);
  stats.client("10.0.0.1", 7400, "foo").observe(0, microseconds(1));
  stats.client("10.0.0.1", 7401, "foo").observe(0, microseconds(1));
  stats.client("10.0.0.1", 7400, "foo").observe(14, microseconds(1));
  auto all = series_of(stats);
  merge_series(all);
  ASSERT_EQ(all.size(), 3U);
  for (const auto& series : all) {
    EXPECT_EQ(series.at, call_series::side::client);
    EXPECT_EQ(series.server_address, "10.0.0.1");
    EXPECT_EQ(series.method, "foo");
  }
  EXPECT_EQ(all[0].server_port, 7400);
  EXPECT_EQ(all[1].server_port, 7401);
  EXPECT_EQ(all[2].code, 14);
}

TEST(call_stats, the_same_method_is_the_same_series) {
  call_stats stats(4'096, 25);
  EXPECT_EQ(&stats.server("foo"), &stats.server("foo"));
  EXPECT_NE(&stats.server("foo"), &stats.server("bar"));
}

TEST(call_stats, codes_are_the_callees_choice_so_they_are_bounded) {
  call_stats stats(4'096, 25);
  constexpr int codes = 1'000;
  for (int code = 1'000; code < 1'000 + codes; ++code) stats.server("foo").observe(code, microseconds(1));
  const auto all = series_of(stats);
  EXPECT_LE(all.size(), 17U);
  std::uint64_t sum = 0;
  for (const auto& series : all) sum += count_of(series);
  EXPECT_EQ(sum, static_cast<std::uint64_t>(codes)) << "none is lost";
  // Those that had a series of their own keep it.
  stats.server("foo").observe(1'000, microseconds(1));
  const auto again = series_of(stats);
  EXPECT_EQ(again.size(), all.size());
  const auto first = std::ranges::find(again, 1'000, &call_series::code);
  ASSERT_NE(first, again.end());
  EXPECT_EQ(count_of(*first), 2U);
}

TEST(call_stats, methods_past_the_limit_share_a_series) {
  call_stats stats(4'096, 25);
  for (int i = 0; i < 3'000; ++i) stats.server("method" + std::to_string(i)).observe(0, microseconds(1));
  const auto all = series_of(stats);
  EXPECT_LE(all.size(), 1'025U);
  const auto other = std::ranges::find(all, "_OTHER", &call_series::method);
  ASSERT_NE(other, all.end());
  EXPECT_EQ(count_of(*other) + all.size() - 1, 3'000U);
}

TEST(call_stats, one_registrant_has_a_share_of_the_series) {
  call_stats stats(400, 25);
  for (int i = 0; i < 150; ++i) stats.server("junk" + std::to_string(i), 7).observe(i, microseconds(1));
  EXPECT_TRUE(stats.crowded());
  stats.server("orders.create", 8).observe(0, microseconds(1));
  const auto all = series_of(stats);
  EXPECT_LE(all.size(), 100U + 17U + 1U) << "its share, the shared ones, and one of the other";
  EXPECT_NE(std::ranges::find(all, "orders.create", &call_series::method), all.end());
  std::uint64_t sum = 0;
  for (const auto& series : all) sum += count_of(series);
  EXPECT_EQ(sum, 151U) << "none is lost";
}

TEST(call_stats, series_end_some_time_after_their_registration) {
  using std::chrono::minutes;
  call_stats stats(400, 25);
  const call_stats::time_point start{};
  const auto is_registered = [](std::string_view method) { return method == "stays"; };
  for (const char* name : {"stays", "goes", "busy"}) stats.server(name, 7).observe(0, microseconds(1));
  stats.server("own").observe(0, microseconds(1));
  ++stats.server("busy", 7).users;
  stats.sweep(start, minutes(5), is_registered);
  stats.sweep(start + minutes(4), minutes(5), is_registered);
  EXPECT_EQ(series_of(stats).size(), 4U) << "within the retention";
  stats.sweep(start + minutes(5), minutes(5), is_registered);
  const auto left = series_of(stats);
  EXPECT_EQ(left.size(), 3U);
  EXPECT_EQ(std::ranges::find(left, "goes", &call_series::method), left.end());
  --stats.server("busy", 7).users;
  stats.sweep(start + minutes(5), minutes(5), is_registered);
  EXPECT_EQ(series_of(stats).size(), 2U);
}

TEST(method_label, cuts_long_names_and_keeps_them_apart) {
  EXPECT_EQ(method_label("users.get"), "users.get");
  EXPECT_EQ(method_label(std::string(96, 'x')), std::string(96, 'x'));
  const auto one = method_label(std::string(200, 'x') + "1");
  const auto two = method_label(std::string(200, 'x') + "2");
  EXPECT_EQ(one.size(), 96U);
  EXPECT_NE(one, two);
  EXPECT_EQ(one, method_label(std::string(200, 'x') + "1"));
}

TEST(merge_series, adds_up_what_has_the_same_labels) {
  call_stats one(4'096, 25);
  call_stats two(4'096, 25);
  one.server("foo").observe(0, microseconds(10));
  two.server("foo").observe(0, seconds(3600));
  two.server("foo").observe(8, microseconds(1));
  two.client("h", 1, "foo").observe(0, microseconds(7));
  auto all = series_of(one);
  two.append_to(all);
  merge_series(all);
  ASSERT_EQ(all.size(), 3U);
  EXPECT_EQ(count_of(all[0]), 2U);
  EXPECT_EQ(all[0].buckets.front(), 1U);
  EXPECT_EQ(all[0].buckets.back(), 1U);
  EXPECT_EQ(all[0].sum_ns, 10'000U + 3'600'000'000'000U);
  EXPECT_EQ(all[1].code, 8);
  EXPECT_EQ(all[2].at, call_series::side::client);
}

TEST(merge_series, of_nothing_is_nothing) {
  std::vector<call_series> none;
  merge_series(none);
  EXPECT_TRUE(none.empty());
}

}  // namespace
}  // namespace weft
