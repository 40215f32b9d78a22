#include "node/telemetry/metrics_exposition.hpp"

#include <cstdio>
#include <ctime>
#include <map>
#include <sstream>

#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "node/telemetry/process_metrics.hpp"

namespace weft {
namespace {

using testing::HasSubstr;
using testing::Not;

call_series series(call_series::side side, std::int32_t code) {
  call_series one;
  one.at = side;
  one.method = "demo.echo";
  one.code = code;
  one.buckets[0] = 2;
  one.buckets[4] = 1;
  one.buckets.back() = 1;
  one.sum_ns = 12'500'000'000;
  if (side == call_series::side::client) {
    one.server_address = "10.0.0.2";
    one.server_port = 7401;
  }
  return one;
}

metrics_snapshot full_snapshot() {
  metrics_snapshot snapshot;
  for (std::size_t i = 0; i < metric_count; ++i) snapshot.values[i] = static_cast<std::int64_t>(i) + 1;
  for (const std::int32_t code : {0, -32601, 14, 1001, 1002})
    for (const auto side : {call_series::side::server, call_series::side::client})
      snapshot.calls.push_back(series(side, code));
  snapshot.peers = {{"connected", 2}, {"connecting", 0}};
  snapshot.reactors = 3;
  return snapshot;
}

/// Line by line: "name{labels}" to its value.
std::map<std::string, double> samples_of(const std::string& text) {
  std::map<std::string, double> samples;
  std::istringstream lines{text};
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with('#')) continue;
    const std::size_t space = line.rfind(' ');
    const auto [at, fresh] = samples.emplace(line.substr(0, space), std::stod(line.substr(space + 1)));
    EXPECT_TRUE(fresh) << "the series stands twice: " << at->first;
  }
  return samples;
}

TEST(exposition, has_every_row_of_the_table) {
  const metrics_snapshot snapshot = full_snapshot();
  const auto samples = samples_of(expose_metrics(snapshot));
  for (std::size_t i = 0; i < metric_count; ++i) {
    const metric_info& row = metric_table[i];
    std::string name{row.family};
    if (!row.label.empty()) name += "{" + std::string{row.label} + "=\"" + std::string{row.value} + "\"}";
    ASSERT_TRUE(samples.contains(name)) << name;
    const bool in_ns = row.type == metric_type::counter_ns || row.type == metric_type::gauge_ns;
    const auto value = static_cast<double>(snapshot.values[i]);
    EXPECT_DOUBLE_EQ(samples.at(name), in_ns ? value / 1e9 : value) << name;
  }
  EXPECT_EQ(samples.at("weft_reactors"), 3);
  EXPECT_EQ(samples.at("weft_peers{state=\"connected\"}"), 2);
  EXPECT_EQ(samples.at("weft_peers{state=\"connecting\"}"), 0);
}

TEST(exposition, histograms_are_cumulative_in_seconds) {
  const auto samples = samples_of(expose_metrics(full_snapshot()));
  const std::string labels = "rpc_system_name=\"jsonrpc\",rpc_method=\"demo.echo\",rpc_status_code=\"OK\"";
  const auto bucket = [&](const std::string& bound) {
    return samples.at("rpc_server_call_duration_seconds_bucket{" + labels + ",le=\"" + bound + "\"}");
  };
  EXPECT_EQ(bucket("5e-05"), 2);
  EXPECT_EQ(bucket("0.0005"), 2);
  EXPECT_EQ(bucket("0.001"), 3);
  EXPECT_EQ(bucket("10"), 3);
  EXPECT_EQ(bucket("+Inf"), 4);
  EXPECT_EQ(samples.at("rpc_server_call_duration_seconds_count{" + labels + "}"), 4);
  EXPECT_EQ(samples.at("rpc_server_call_duration_seconds_sum{" + labels + "}"), 12.5);
}

TEST(exposition, failures_have_an_error_type_and_client_calls_their_server) {
  const std::string text = expose_metrics(full_snapshot());
  EXPECT_THAT(
      text,
      HasSubstr("rpc_client_call_duration_seconds_count{rpc_system_name=\"jsonrpc\",rpc_method=\"demo.echo\","
                "rpc_status_code=\"14\",error_type=\"14\",server_address=\"10.0.0.2\","
                "server_port=\"7401\"} 4\n"));
  EXPECT_THAT(text, Not(HasSubstr("error_type=\"OK\"")));
}

TEST(exposition, codes_of_services_share_one_series) {
  const auto samples = samples_of(expose_metrics(full_snapshot()));
  EXPECT_EQ(samples.at(
                "rpc_server_call_duration_seconds_count{rpc_system_name=\"jsonrpc\",rpc_method=\"demo.echo\","
                "rpc_status_code=\"_OTHER\",error_type=\"_OTHER\"}"),
            8);
}

TEST(exposition, families_without_samples_are_left_out) {
  const std::string text = expose_metrics({});
  EXPECT_THAT(text, Not(HasSubstr("rpc_server_call_duration_seconds")));
  EXPECT_THAT(text, Not(HasSubstr("weft_peers")));
  EXPECT_THAT(text, HasSubstr("weft_build_info{version=\""));
}

TEST(exposition, every_extra_family_is_exposed_with_its_help_and_type) {
  const std::string text = expose_metrics(full_snapshot(), {}, {.certificate_expires = 1});
  for (const extra_family& family : extra_families()) {
    EXPECT_THAT(text,
                HasSubstr("# HELP " + std::string{family.name} + " " + std::string{family.help} + "\n"));
    EXPECT_THAT(text,
                HasSubstr("# TYPE " + std::string{family.name} + " " + std::string{family.type} + "\n"));
  }
}

TEST(exposition, satisfies_promtool) {
  FILE* promtool = popen("promtool check metrics 2>&1", "w");
  ASSERT_NE(promtool, nullptr);
  const std::string text = expose_metrics(full_snapshot());
  ASSERT_EQ(std::fwrite(text.data(), 1, text.size(), promtool), text.size());
  const int status = pclose(promtool);
  ASSERT_TRUE(WIFEXITED(status));
  ASSERT_NE(WEXITSTATUS(status), 127)
      << "promtool is missing: install Debian's prometheus (deploy/setup.sh test)";
  EXPECT_EQ(WEXITSTATUS(status), 0) << text;
}

TEST(process_usage, agrees_with_what_this_process_knows_of_itself) {
  const process_usage before = read_process_usage();
  rlimit limit{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_EQ(before.max_fds, limit.rlim_cur);
  EXPECT_GE(before.threads, 1u);
  EXPECT_GT(before.resident_bytes, 1u << 20);
  EXPECT_GE(before.virtual_bytes, before.resident_bytes);
  const auto now = static_cast<double>(std::time(nullptr));
  EXPECT_LE(before.start_time_seconds, now + 1);
  EXPECT_GT(before.start_time_seconds, now - 3600);

  const int extra = dup(0);
  EXPECT_EQ(read_process_usage().open_fds, before.open_fds + 1);
  close(extra);
}

}  // namespace
}  // namespace weft
