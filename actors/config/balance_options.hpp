// Which instance gets a call, when it is tried again or twice, and who is left out.
#pragma once

#include <cstddef>
#include <vector>

#include "actors/config/types.hpp"

namespace weft {

struct ejection_options {
  std::size_t consecutive_failures = 5;
  /// The share of failures among the calls of one second, once there are enough to judge by.
  std::size_t failure_percent = 20;
  std::size_t minimum_calls = 10;
  milliseconds base_time{1'000};
  milliseconds max_time{60'000};
  /// With fewer than this share of a method's instances left, ejections are ignored.
  std::size_t panic_percent = 50;
};

struct retry_options {
  /// Including the first.
  std::size_t attempts = 3;
  milliseconds backoff_initial{5};
  milliseconds backoff_max{250};
  /// Retries per hundred calls, and how many a second are always allowed.
  std::size_t budget_percent = 20;
  std::size_t budget_floor_per_second = 10;
};

struct hedge_options {
  /// Values are percentiles of the latency after which a second attempt starts.
  std::vector<method_rule> rules;
  milliseconds minimum_delay{1};
};

struct balance_options {
  std::vector<method_rule> rules;
  hedge_options hedge;
  ejection_options ejection;
  retry_options retry;
};

}  // namespace weft
