// Durations of calls by method and outcome, one object per router, touched from its thread only.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "actors/runtime/string_map.hpp"
#include "actors/telemetry/method_stats.hpp"
#include "actors/telemetry/snapshot.hpp"

namespace weft {

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
