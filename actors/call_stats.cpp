#include "actors/call_stats.hpp"

#include <algorithm>
#include <tuple>

namespace weft {
namespace {

constexpr std::string_view other_method = "_OTHER";

call_series to_series(std::int32_t code, const duration_histogram& durations) {
  call_series series;
  series.code = code;
  series.sum_ns = static_cast<std::uint64_t>(durations.sum_ns());
  for (std::size_t i = 0; i < series.buckets.size(); ++i) {
    series.buckets[i] = static_cast<std::uint64_t>(durations.bucket(i));
  }
  return series;
}

auto labels_of(const call_series& series) {
  return std::tie(series.at, series.method, series.code, series.server_address, series.server_port);
}

bool empty(const call_series& series) {
  for (const auto count : series.buckets) {
    if (count != 0) return false;
  }
  return true;
}

}  // namespace

duration_histogram& method_stats::of(std::int32_t code) {
  for (auto& e : errors_) {
    if (e->code == code) return e->durations;
  }
  if (errors_.size() >= max_codes) code = other_code;
  if (errors_.size() > max_codes) return errors_.back()->durations;
  errors_.push_back(std::make_unique<error_series>());
  errors_.back()->code = code;
  return errors_.back()->durations;
}

method_stats& call_stats::server(std::string_view method) {
  if (const auto found = server_.find(method); found != server_.end()) return *found->second;
  if (server_.size() >= max_methods) return server_other_;
  return *server_.emplace(method, std::make_unique<method_stats>()).first->second;
}

method_stats& call_stats::client(std::string_view address, std::uint16_t port, std::string_view method) {
  std::string key;
  key.append(address).append(":").append(std::to_string(port)).append(" ").append(method);
  auto& series = client_[key];
  if (!series) {
    series = std::make_unique<client_series>();
    series->address = address;
    series->port = port;
    series->method = method;
  }
  return series->stats;
}

void call_stats::append_to(std::vector<call_series>& out) const {
  const auto server_side = [&](std::string_view method, const method_stats& stats) {
    stats.visit([&](std::int32_t code, const duration_histogram& durations) {
      auto series = to_series(code, durations);
      if (empty(series)) return;
      series.method = method;
      out.push_back(std::move(series));
    });
  };
  server_side(other_method, server_other_);
  for (const auto& [method, stats] : server_) server_side(method, *stats);
  for (const auto& entry : client_) {
    const client_series& client = *entry.second;
    client.stats.visit([&out, &client](std::int32_t code, const duration_histogram& durations) {
      auto series = to_series(code, durations);
      if (empty(series)) return;
      series.at = call_series::side::client;
      series.method = client.method;
      series.server_address = client.address;
      series.server_port = client.port;
      out.push_back(std::move(series));
    });
  }
}

void merge_series(std::vector<call_series>& series) {
  std::ranges::sort(series, [](const auto& a, const auto& b) { return labels_of(a) < labels_of(b); });
  std::vector<call_series> merged;
  for (auto& s : series) {
    if (merged.empty() || labels_of(merged.back()) != labels_of(s)) {
      merged.push_back(std::move(s));
      continue;
    }
    for (std::size_t i = 0; i < s.buckets.size(); ++i) merged.back().buckets[i] += s.buckets[i];
    merged.back().sum_ns += s.sum_ns;
  }
  series = std::move(merged);
}

}  // namespace weft
