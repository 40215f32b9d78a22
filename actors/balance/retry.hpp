// May a failed attempt be followed by another one, and after how long? Pure, but for the budget.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <random>
#include <span>

#include "actors/balance/retry_budget.hpp"
#include "actors/config/options.hpp"
#include "actors/messages/keys.hpp"
#include "proto/error.hpp"

namespace weft {

/// The hard upper bound of `retry_options::attempts`.
inline constexpr std::size_t max_attempts = 8;

/// The instances that a call was sent to, in order.
class tried_instances {
 public:
  void add(const connection_address& connection) noexcept { tried_[count_++] = connection; }
  /// Forgets those before the last one.
  void keep_last() noexcept {
    tried_[0] = last();
    count_ = 1;
  }
  void clear() noexcept { count_ = 0; }
  std::uint8_t count() const noexcept { return count_; }
  bool full() const noexcept { return count_ == max_attempts; }
  /// REQUIRES: there is one.
  const connection_address& last() const noexcept { return tried_[count_ - 1U]; }
  bool contains(const connection_address& connection) const noexcept {
    const auto end = tried_.begin() + count_;
    return std::find(tried_.begin(), end, connection) != end;
  }

 private:
  std::array<connection_address, max_attempts> tried_{};
  std::uint8_t count_ = 0;
};

/// What is known of a call when one of its attempts has failed.
struct failed_attempt {
  const rpc_error& error;
  /// So many attempts the call has had.
  std::uint8_t attempts;
  /// All of the method's instances say that it may run twice.
  bool idempotent;
  /// How many instances the method has.
  std::size_t instances;
};

/// May it be tried again, as far as its meaning goes? The error says that it never ran, or the connection was
/// lost and running twice does no harm.
bool is_retryable(const failed_attempt& failed, const retry_options& options) noexcept;

/// The error says that the method certainly did not run.
bool provably_not_executed(const rpc_error& error) noexcept;

/// None when another instance can be tried: the same one needs time to recover, and more each time.
std::chrono::milliseconds retry_wait(const failed_attempt& failed, const retry_options& options,
                                     std::minstd_rand& random);

}  // namespace weft
