// Durations of calls by method and outcome, one object per router, touched from its thread only.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "actors/runtime/string_map.hpp"
#include "actors/telemetry/snapshot.hpp"

namespace weft {

/// How many series there may be, in all and of one registrant: names and codes are the choice of whoever
/// serves.
class series_budget {
 public:
  series_budget(std::size_t most, std::size_t share_percent) noexcept
      : most_(most), share_(std::max<std::size_t>(1, most / 100 * share_percent)) {}

  bool take(std::uint64_t owner) {
    auto& taken = by_owner_[owner];
    if (total_ >= most_ || taken >= share_) return false;
    ++total_;
    ++taken;
    return true;
  }
  void give_back(std::uint64_t owner, std::size_t count) {
    total_ -= count;
    const auto found = by_owner_.find(owner);
    found->second -= count;
    if (found->second == 0) by_owner_.erase(found);
  }

 private:
  std::size_t most_;
  std::size_t share_;
  std::size_t total_ = 0;
  std::unordered_map<std::uint64_t, std::size_t> by_owner_;
};

class method_stats {
 public:
  /// Error codes that find the budget used up are counted by `overflow`. Without a budget none is.
  method_stats() = default;
  method_stats(series_budget& budget, std::uint64_t owner, method_stats& overflow) noexcept
      : budget_(&budget), owner_(owner), overflow_(&overflow) {}

  /// `code` 0 is success.
  void observe(std::int32_t code, std::chrono::nanoseconds duration) {
    if (code == 0) {
      ok_.observe(duration);
    } else {
      of(code).observe(duration);
    }
  }

  template <class Visitor>
  void visit(Visitor&& visitor) const {
    visitor(0, ok_);
    for (const auto& e : errors_) visitor(e->code, e->durations);
  }

  /// Calls under way that will be observed here.
  std::uint32_t users = 0;
  std::uint64_t owner() const noexcept { return owner_; }
  std::size_t series() const noexcept { return 1 + errors_.size(); }

 private:
  struct error_series {
    std::int32_t code = 0;
    duration_histogram durations;
  };
  /// Codes are the callee's choice: past this many they share one series.
  static constexpr std::size_t max_codes = 16;
  static constexpr std::int32_t other_code = 1;

  duration_histogram& of(std::int32_t code);

  series_budget* budget_ = nullptr;
  std::uint64_t owner_ = 0;
  method_stats* overflow_ = nullptr;
  duration_histogram ok_;
  std::vector<std::unique_ptr<error_series>> errors_;
};

class call_stats {
 public:
  using time_point = std::chrono::steady_clock::time_point;

  call_stats(std::size_t most_series, std::size_t share_percent) noexcept
      : budget_(most_series, share_percent) {}

  /// The series of a method that `owner` has registered; when there is no room for it, the shared one.
  method_stats& server(std::string_view method, std::uint64_t owner = 0);
  /// Everything that no one has registered.
  method_stats& server_other() noexcept { return server_other_; }
  /// Calls this node makes to a peer, by method if it is a known one.
  method_stats& client(std::string_view address, std::uint16_t port, std::string_view method);

  /// Forgets methods that have not been registered for `retention`, except those that calls still need.
  template <class IsRegistered>
  void sweep(time_point now, std::chrono::milliseconds retention, IsRegistered&& is_registered) {
    for (auto at = server_.begin(); at != server_.end();) {
      auto& [method, series] = *at;
      if (series->owner == in_process || is_registered(method)) {
        series->gone_since = time_point::max();
      } else if (series->gone_since == time_point::max()) {
        series->gone_since = now;
      }
      const bool over = series->gone_since != time_point::max() && now - series->gone_since >= retention;
      if (over && series->stats.users == 0) {
        budget_.give_back(series->owner, series->stats.series());
        at = server_.erase(at);
      } else {
        ++at;
      }
    }
  }
  /// A method has found no room since the last `sweep`.
  bool crowded() const noexcept { return crowded_; }
  void swept() noexcept { crowded_ = false; }

  void append_to(std::vector<call_series>& out) const;

 private:
  /// Owner of the methods of the process itself.
  static constexpr std::uint64_t in_process = 0;

  struct server_series {
    server_series(series_budget& budget, std::uint64_t by, method_stats& overflow) noexcept
        : owner(by), stats(budget, by, overflow) {}
    std::uint64_t owner;
    time_point gone_since = time_point::max();
    method_stats stats;
  };
  struct client_series {
    std::string address;
    std::uint16_t port = 0;
    std::string method;
    method_stats stats;
  };

  series_budget budget_;
  method_stats server_other_;
  method_stats client_other_;
  string_map<std::unique_ptr<server_series>> server_;
  string_map<std::unique_ptr<client_series>> client_;
  bool crowded_ = false;
};

/// A method's name as a label: long ones are cut, and keep apart by a hash of the whole.
std::string method_label(std::string_view method);

/// Adds up the series of several routers that have the same labels.
void merge_series(std::vector<call_series>& series);

}  // namespace weft
