// Exponential back-off with jitter: initial, doubled each time up to a cap, each value times 0.8 to 1.2 (gRFC
// A6). A value type without a clock; not thread-safe.
#pragma once

#include <algorithm>
#include <chrono>
#include <random>

namespace weft {

class backoff {
 public:
  /// REQUIRES: 0 < initial <= max.
  backoff(std::chrono::milliseconds initial, std::chrono::milliseconds max, std::uint64_t seed)
      : initial_(initial), max_(max), base_(initial), random_(seed) {}

  /// How long to wait before the next attempt. The cap applies before the jitter, so waits spread at the cap,
  /// too.
  std::chrono::milliseconds next() {
    std::uniform_real_distribution<double> jitter(0.8, 1.2);
    const auto wait = static_cast<double>(base_.count()) * jitter(random_);
    base_ = std::min(max_, base_ * 2);
    return std::chrono::milliseconds(std::max<std::int64_t>(1, static_cast<std::int64_t>(wait)));
  }
  void reset() noexcept { base_ = initial_; }

 private:
  std::chrono::milliseconds initial_;
  std::chrono::milliseconds max_;
  std::chrono::milliseconds base_;
  std::minstd_rand random_;
};

}  // namespace weft
