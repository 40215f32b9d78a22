// When a call is due for a second attempt: after the time that most calls of its method take (Dean and
// Barroso, The Tail at Scale, CACM 56-2, 2013).
//
// Thread safety: none; each router has its own.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "actors/balance/latency_window.hpp"
#include "actors/config/options.hpp"
#include "actors/runtime/string_map.hpp"

namespace weft {

class hedging {
 public:
  using clock = std::chrono::steady_clock;

  /// `options` must outlive it.
  explicit hedging(const hedge_options& options) noexcept : options_(options) {}

  /// Is any method hedged at all?
  bool enabled() const noexcept { return !options_.rules.empty(); }
  bool covers(std::string_view method) const noexcept;

  /// How long a call of `method` waits for its second attempt; nothing when too few calls were seen lately.
  /// `pattern` is what it is registered as.
  std::optional<std::chrono::nanoseconds> delay(std::string_view method, std::string_view pattern,
                                                clock::time_point now);
  /// A call of it was answered.
  void observe(std::string_view pattern, std::chrono::nanoseconds latency, clock::time_point now);

 private:
  latency_window& window_of(std::string_view pattern);

  const hedge_options& options_;
  string_map<latency_window> windows_;
};

}  // namespace weft
