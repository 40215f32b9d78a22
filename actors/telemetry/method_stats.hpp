// Durations of the calls of one method by outcome, and how many such series there may be. Touched from its
// router's thread only.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

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

}  // namespace weft
