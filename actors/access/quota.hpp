// The quotas of an identity, shared by all its connections to a node.
//
// Thread safety: any thread may take.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>

#include "actors/access/access_policy.hpp"
#include "actors/access/rate_meter.hpp"

namespace weft {

class quota {
 public:
  using wait = std::optional<std::chrono::nanoseconds>;

  explicit quota(const quota_limits& limits) : limits_(limits) {
    if (limits.calls_per_second > 0) calls_.emplace(limits.calls_per_second, limits.burst);
    // A second's worth at once.
    if (limits.bytes_per_second > 0) bytes_.emplace(limits.bytes_per_second, limits.bytes_per_second);
  }

  const quota_limits& limits() const noexcept { return limits_; }
  /// Takes one call, or says how long it is to wait; likewise bytes.
  wait take_call(rate_meter::clock::time_point now) noexcept {
    return calls_ ? calls_->take(now) : std::nullopt;
  }
  wait take_bytes(rate_meter::clock::time_point now, std::size_t bytes) noexcept {
    return bytes_ ? bytes_->take(now, static_cast<double>(bytes)) : std::nullopt;
  }
  /// Of what cannot be refused: values into streams, and what was read to learn who sends it.
  void charge_bytes(rate_meter::clock::time_point now, std::size_t bytes) noexcept {
    if (bytes_) bytes_->charge(now, static_cast<double>(bytes));
  }

 private:
  quota_limits limits_;
  std::optional<rate_meter> calls_;
  std::optional<rate_meter> bytes_;
};

}  // namespace weft
