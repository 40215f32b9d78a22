#include "actors/telemetry/call_stats.hpp"

#include <algorithm>
#include <tuple>

#include <fmt/format.h>

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

method_stats& call_stats::server(std::string_view method, std::uint64_t owner) {
  if (const auto found = server_.find(method); found != server_.end()) return found->second->stats;
  if (!budget_.take(owner)) {
    crowded_ = true;
    return server_other_;
  }
  auto series = std::make_unique<server_series>(budget_, owner, server_other_);
  return server_.emplace(method, std::move(series)).first->second->stats;
}

std::string method_label(std::string_view method) {
  constexpr std::size_t longest = 96;
  constexpr std::size_t kept = 79;
  if (method.size() <= longest) return std::string(method);
  // FNV-1a, the same everywhere, so that a method has one label on all nodes and after an upgrade
  // (http://www.isthe.com/chongo/tech/comp/fnv/).
  std::uint64_t hash = 0xcbf29ce484222325;
  for (const char c : method) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  auto cut = kept;
  // Not within a character of several bytes.
  while (cut > 0 && (static_cast<unsigned char>(method[cut]) & 0xC0U) == 0x80U) --cut;
  return fmt::format("{}~{:016x}", method.substr(0, cut), hash);
}

method_stats& call_stats::client(std::string_view address, std::uint16_t port, std::string_view method) {
  std::string key;
  key.append(address).append(":").append(std::to_string(port)).append(" ").append(method);
  constexpr std::size_t most = 1024;
  if (client_.size() >= most && !client_.contains(key)) return client_other_;
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
      series.method = method_label(method);
      out.push_back(std::move(series));
    });
  };
  server_side(other_method, server_other_);
  for (const auto& [method, stats] : server_) server_side(method, stats->stats);
  for (const auto& entry : client_) {
    const client_series& client = *entry.second;
    client.stats.visit([&out, &client](std::int32_t code, const duration_histogram& durations) {
      auto series = to_series(code, durations);
      if (empty(series)) return;
      series.at = call_series::side::client;
      series.method = method_label(client.method);
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
