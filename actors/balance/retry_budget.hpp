// How many retries are allowed: a share of the calls, and a small number a second whatever the calls
// (Finagle's RetryBudget). Without it, retries multiply the load of a backend that fails already. Not
// thread-safe: each router has its own.
#pragma once

#include <algorithm>
#include <chrono>

#include "actors/config/options.hpp"

namespace weft {

class retry_budget {
 public:
  using clock = std::chrono::steady_clock;

  retry_budget(const retry_options& options, clock::time_point now) noexcept
      : per_call_(static_cast<double>(options.budget_percent) / 100.0),
        per_second_(static_cast<double>(options.budget_floor_per_second)),
        most_(std::max(per_second_, 1.0)),
        filled_(now) {}

  /// Every first attempt pays in.
  void on_call() noexcept { deposit(per_call_); }

  /// True, and paid for, when a retry is allowed now.
  bool take(clock::time_point now) noexcept {
    const std::chrono::duration<double> since = now - filled_;
    filled_ = now;
    floor_ = std::min(most_, floor_ + since.count() * per_second_);
    auto& source = tokens_ >= 1 ? tokens_ : floor_;
    if (source < 1) return false;
    source -= 1;
    return true;
  }

 private:
  // A long quiet time must not save up for a storm.
  static constexpr double saved_calls = 100;

  void deposit(double n) noexcept {
    tokens_ = std::min(tokens_ + n, std::max(most_, per_call_ * saved_calls));
  }

  double per_call_;
  double per_second_;
  double most_;
  double tokens_ = 0;
  double floor_ = 1;
  clock::time_point filled_;
};

}  // namespace weft
