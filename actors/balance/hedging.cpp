#include "actors/balance/hedging.hpp"

#include <algorithm>
#include <string>

#include "actors/methods/method_pattern.hpp"

namespace weft {

bool hedging::covers(std::string_view method) const noexcept {
  return !rule_for(options_.rules, method).empty();
}

latency_window& hedging::window_of(std::string_view pattern) {
  const auto found = windows_.find(pattern);
  return found != windows_.end() ? found->second : windows_[std::string(pattern)];
}

std::optional<std::chrono::nanoseconds> hedging::delay(std::string_view method, std::string_view pattern,
                                                       clock::time_point now) {
  const auto usual = window_of(pattern).percentile(number_for(options_.rules, method), now);
  if (!usual) return std::nullopt;
  return std::max<std::chrono::nanoseconds>(*usual, options_.minimum_delay);
}

void hedging::observe(std::string_view pattern, std::chrono::nanoseconds latency, clock::time_point now) {
  window_of(pattern).observe(latency, now);
}

}  // namespace weft
