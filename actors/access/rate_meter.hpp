// How much of something may be taken in a time: the generic cell rate algorithm (ITU-T I.371, "virtual
// scheduling"), which keeps one moment instead of a bucket and its last filling.
//
// Thread safety: any thread may take. It never waits and allocates nothing.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>

namespace weft {

class rate_meter {
 public:
  using clock = std::chrono::steady_clock;
  using nanoseconds = std::chrono::nanoseconds;

  /// `per_second` units for ever, and `burst` of them at once after a pause.
  rate_meter(double per_second, double burst) noexcept
      : unit_ns_(1e9 / per_second), burst_ns_(static_cast<std::int64_t>(unit_ns_ * burst)) {}

  /// Takes `units`, or says how long they are to be waited for. More than a whole burst waits for a burst, as
  /// it would never be allowed otherwise, but all of it is to be made up for by those that follow.
  std::optional<nanoseconds> take(clock::time_point now, double units = 1) noexcept {
    const std::int64_t now_ns = nanoseconds(now.time_since_epoch()).count();
    const std::int64_t cost_ns = cost_of(units);
    std::int64_t free_at = free_at_.load(std::memory_order_relaxed);
    for (;;) {
      const std::int64_t begin = std::max(free_at, now_ns);
      const std::int64_t missing = begin + std::min(cost_ns, burst_ns_) - now_ns - burst_ns_;
      if (missing > 0) return nanoseconds(missing);
      if (free_at_.compare_exchange_weak(free_at, begin + cost_ns, std::memory_order_relaxed))
        return std::nullopt;
    }
  }
  /// Takes `units` that cannot be refused any more: those that follow wait for them, too.
  void charge(clock::time_point now, double units) noexcept {
    const std::int64_t now_ns = nanoseconds(now.time_since_epoch()).count();
    std::int64_t free_at = free_at_.load(std::memory_order_relaxed);
    while (!free_at_.compare_exchange_weak(free_at, std::max(free_at, now_ns) + cost_of(units),
                                           std::memory_order_relaxed))
      continue;
  }

 private:
  /// Nobody is charged for more than a day.
  std::int64_t cost_of(double units) const noexcept {
    constexpr double most_ns = 86'400e9;
    return static_cast<std::int64_t>(std::min(unit_ns_ * units, most_ns));
  }

  double unit_ns_;
  std::int64_t burst_ns_;
  /// When all that was taken would have been given at the steady rate.
  std::atomic<std::int64_t> free_at_{0};
};

}  // namespace weft
