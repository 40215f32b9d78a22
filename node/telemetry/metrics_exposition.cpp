#include "node/telemetry/metrics_exposition.hpp"

#include <map>
#include <tuple>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include "node/process/version.hpp"
#include "node/telemetry/process_metrics.hpp"
#include "proto/error.hpp"

namespace weft {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

enum extra : std::size_t {
  server_calls,
  client_calls,
  peer_states,
  reactor_count,
  log_lines_dropped,
  files_reread,
  certificate_expiry,
  responses_malformed,
  quota_refused,
  build_info,
  cpu_seconds,
  start_time,
  resident_memory,
  virtual_memory,
  thread_count,
  open_fds,
  max_fds,
};

constexpr extra_family extras[] = {
    {"rpc_server_call_duration_seconds", "histogram",
     "rpc_system_name, rpc_method, rpc_status_code, error_type",
     "Duration of calls served, from the request's arrival to its answer"},
    {"rpc_client_call_duration_seconds", "histogram",
     "rpc_system_name, rpc_method, rpc_status_code, error_type, server_address, server_port",
     "Duration of calls made, until the answer arrived"},
    {"weft_peers", "gauge", "state", "Peers by state"},
    {"weft_reactors", "gauge", "", "Reactor threads"},
    {"weft_log_lines_dropped_total", "counter", "reason",
     "Lines of the log that standard error did not take: more than log.queue_bytes waited, or a write "
     "failed"},
    {"weft_files_reread_total", "counter", "outcome",
     "Times that a file of tokens or certificates had changed: taken, or refused because something was wrong "
     "with "
     "it"},
    {"weft_tls_certificate_expiry_timestamp_seconds", "gauge", "",
     "When the certificate that new connections get expires, since the Unix epoch; absent without one"},
    {"weft_responses_malformed_total", "counter", "service",
     "Responses that could not be understood and ended the call whose id they had, by the name of the "
     "service or node that gave them"},
    {"weft_quota_refused_total", "counter", "identity",
     "Calls refused because their identity has used up a quota of its row in auth.tokens_file"},
    {"weft_build_info", "gauge", "version, compiler", "Always 1; the labels describe the build"},
    {"process_cpu_seconds_total", "counter", "", "User and system CPU time spent"},
    {"process_start_time_seconds", "gauge", "", "Start time of the process since the Unix epoch"},
    {"process_resident_memory_bytes", "gauge", "", "Resident memory"},
    {"process_virtual_memory_bytes", "gauge", "", "Virtual memory"},
    {"process_threads", "gauge", "", "Threads of the process"},
    {"process_open_fds", "gauge", "", "Open file descriptors"},
    {"process_max_fds", "gauge", "", "Most file descriptors that the process may open"},
};

/// A code that neither JSON-RPC nor the mesh defines.
constexpr std::int32_t other_code = 1;

/// Nanoseconds to seconds by division: a multiplication by 1e-9 turns 50 µs into 5.0000000000000002e-05.
double to_seconds(std::int64_t ns) {
  return static_cast<double>(ns) / 1e9;
}

void add(MetricFamily& family, double value, std::vector<ClientMetric::Label> labels = {}) {
  ClientMetric metric;
  metric.label = std::move(labels);
  (family.type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
  family.metric.push_back(std::move(metric));
}

MetricFamily family_of(extra which) {
  const auto type = extras[which].type;
  return {std::string{extras[which].name},
          std::string{extras[which].help},
          type == "counter" ? MetricType::Counter
          : type == "gauge" ? MetricType::Gauge
                            : MetricType::Histogram,
          {}};
}

MetricFamily single(extra which, double value, std::vector<ClientMetric::Label> labels = {}) {
  MetricFamily family = family_of(which);
  add(family, value, std::move(labels));
  return family;
}

void add_table(const metrics_snapshot& snapshot, std::vector<MetricFamily>& families) {
  for (std::size_t i = 0; i < metric_count; ++i) {
    const metric_info& row = metric_table[i];
    const bool is_counter = row.type == metric_type::counter || row.type == metric_type::counter_ns;
    const bool in_ns = row.type == metric_type::counter_ns || row.type == metric_type::gauge_ns;
    if (families.empty() || families.back().name != row.family)
      families.push_back({std::string{row.family},
                          std::string{row.help},
                          is_counter ? MetricType::Counter : MetricType::Gauge,
                          {}});
    std::vector<ClientMetric::Label> labels;
    if (!row.label.empty()) labels.push_back({std::string{row.label}, std::string{row.value}});
    add(families.back(), in_ns ? to_seconds(snapshot.values[i]) : static_cast<double>(snapshot.values[i]),
        std::move(labels));
  }
}

/// OpenTelemetry's convention for JSON-RPC: the error's code, as a string. Codes of services' own are
/// unlimited and share one value.
std::string status_of(std::int32_t code) {
  if (code == 0) return "OK";
  return code_name(code) == code_name(other_code) ? "_OTHER" : std::to_string(code);
}

/// What tells one series of a call histogram from another. Several codes of services share the status
/// "_OTHER", and two series with equal labels would make the whole scrape invalid.
using series_key = std::tuple<std::string, std::string, std::string, std::uint16_t>;

struct series_sum {
  std::array<std::uint64_t, duration_bounds_ns.size() + 1> buckets{};
  std::uint64_t sum_ns = 0;

  void add(const call_series& series) {
    for (std::size_t i = 0; i < buckets.size(); ++i) buckets[i] += series.buckets[i];
    sum_ns += series.sum_ns;
  }
};

ClientMetric::Histogram histogram_of(const series_sum& sum) {
  ClientMetric::Histogram histogram;
  for (std::size_t i = 0; i < duration_bounds_ns.size(); ++i) {
    histogram.sample_count += sum.buckets[i];
    histogram.bucket.push_back({histogram.sample_count, to_seconds(duration_bounds_ns[i])});
  }
  histogram.sample_count += sum.buckets.back();
  histogram.sample_sum = static_cast<double>(sum.sum_ns) / 1e9;
  return histogram;
}

std::vector<ClientMetric::Label> labels_of(call_series::side side, const series_key& key) {
  const auto& [method, status, address, port] = key;
  std::vector<ClientMetric::Label> labels{
      {"rpc_system_name", "jsonrpc"}, {"rpc_method", method}, {"rpc_status_code", status}};
  if (status != "OK") labels.push_back({"error_type", status});
  if (side == call_series::side::client) {
    labels.push_back({"server_address", address});
    labels.push_back({"server_port", std::to_string(port)});
  }
  return labels;
}

void add_calls(const metrics_snapshot& snapshot, call_series::side side, extra which,
               std::vector<MetricFamily>& families) {
  std::map<series_key, series_sum> sums;
  for (const call_series& series : snapshot.calls) {
    if (series.at != side) continue;
    sums[{series.method, status_of(series.code), series.server_address, series.server_port}].add(series);
  }
  if (sums.empty()) return;
  MetricFamily family = family_of(which);
  for (const auto& [key, sum] : sums) {
    ClientMetric metric;
    metric.label = labels_of(side, key);
    metric.histogram = histogram_of(sum);
    family.metric.push_back(std::move(metric));
  }
  families.push_back(std::move(family));
}

void add_peers(const metrics_snapshot& snapshot, std::vector<MetricFamily>& families) {
  if (snapshot.peers.empty()) return;
  MetricFamily family = family_of(peer_states);
  for (const peer_state_count& state : snapshot.peers)
    add(family, static_cast<double>(state.count), {{"state", state.state}});
  families.push_back(std::move(family));
}

void add_log(const log_losses& losses, std::vector<MetricFamily>& families) {
  MetricFamily family = family_of(log_lines_dropped);
  add(family, static_cast<double>(losses.queue_full), {{"reason", "queue_full"}});
  add(family, static_cast<double>(losses.write_failed), {{"reason", "write_failed"}});
  families.push_back(std::move(family));
}

void add_files(const reread_files& files, std::vector<MetricFamily>& families) {
  MetricFamily family = family_of(files_reread);
  add(family, static_cast<double>(files.taken), {{"outcome", "taken"}});
  add(family, static_cast<double>(files.refused), {{"outcome", "refused"}});
  families.push_back(std::move(family));
  if (files.certificate_expires <= 0) return;
  MetricFamily expiry = family_of(certificate_expiry);
  add(expiry, static_cast<double>(files.certificate_expires), {});
  families.push_back(std::move(expiry));
}

void add_named(extra which, const char* label, const std::vector<service_count>& counts,
               std::vector<MetricFamily>& families) {
  std::map<std::string, std::uint64_t> sums{{"_OTHER", 0}};
  for (const auto& [name, count] : counts) sums[name] += count;
  MetricFamily family = family_of(which);
  for (const auto& [name, count] : sums) add(family, static_cast<double>(count), {{label, name}});
  families.push_back(std::move(family));
}

void add_process(std::vector<MetricFamily>& families) {
  const process_usage usage = read_process_usage();
  families.push_back(single(cpu_seconds, usage.cpu_seconds));
  families.push_back(single(start_time, usage.start_time_seconds));
  families.push_back(single(resident_memory, static_cast<double>(usage.resident_bytes)));
  families.push_back(single(virtual_memory, static_cast<double>(usage.virtual_bytes)));
  families.push_back(single(thread_count, static_cast<double>(usage.threads)));
  families.push_back(single(open_fds, static_cast<double>(usage.open_fds)));
  families.push_back(single(max_fds, static_cast<double>(usage.max_fds)));
}

}  // namespace

std::span<const extra_family> extra_families() {
  return extras;
}

std::string expose_metrics(const metrics_snapshot& snapshot, const log_losses& losses,
                           const reread_files& files) {
  std::vector<MetricFamily> families;
  add_table(snapshot, families);
  add_calls(snapshot, call_series::side::server, server_calls, families);
  add_calls(snapshot, call_series::side::client, client_calls, families);
  add_peers(snapshot, families);
  families.push_back(single(reactor_count, static_cast<double>(snapshot.reactors)));
  add_log(losses, families);
  add_files(files, families);
  add_named(responses_malformed, "service", snapshot.malformed_responses, families);
  add_named(quota_refused, "identity", snapshot.over_quota, families);
  families.push_back(
      single(build_info, 1, {{"version", std::string{version()}}, {"compiler", std::string{compiler()}}}));
  add_process(families);
  return prometheus::TextSerializer{}.Serialize(families);
}

}  // namespace weft
