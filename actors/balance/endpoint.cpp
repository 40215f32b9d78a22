#include "actors/balance/endpoint.hpp"

#include <algorithm>
#include <cmath>

namespace weft {
namespace {

// Finagle's and Envoy's figures: a first guess of 30 ms would keep new instances idle in a mesh of
// sub-millisecond calls, so an unmeasured instance is tried at once instead.
constexpr double unmeasured_ns = 0;
constexpr double decay_ns = 10e9;
constexpr double failure_floor_ns = 100e6;
constexpr std::int64_t window_ns = 1'000'000'000;

std::int64_t to_ns(endpoint_state::clock::time_point t) noexcept {
  return t.time_since_epoch().count();
}

}  // namespace

void endpoint_state::end(bool ok, std::chrono::nanoseconds latency, clock::time_point now) noexcept {
  in_flight_.fetch_sub(1, std::memory_order_relaxed);
  calls_.fetch_add(1, std::memory_order_relaxed);
  rotate_window(now);
  window_calls_.fetch_add(1, std::memory_order_relaxed);
  auto sample = static_cast<double>(latency.count());
  if (ok) {
    consecutive_failures_.store(0, std::memory_order_relaxed);
  } else {
    failures_.fetch_add(1, std::memory_order_relaxed);
    window_failures_.fetch_add(1, std::memory_order_relaxed);
    consecutive_failures_.fetch_add(1, std::memory_order_relaxed);
    sample = std::max(sample, failure_floor_ns);
  }
  const double before = latency_ns(now);
  // A slower answer is believed at once, a faster one little by little: peak EWMA.
  constexpr double weight = 0.1;
  const double after = sample > before ? (before + sample) / 2 : before * (1 - weight) + sample * weight;
  latency_ns_.store(after, std::memory_order_relaxed);
  measured_at_ns_.store(to_ns(now), std::memory_order_relaxed);
}

double endpoint_state::latency_ns(clock::time_point now) const noexcept {
  const auto at = measured_at_ns_.load(std::memory_order_relaxed);
  if (at == 0) return unmeasured_ns;
  const auto age = static_cast<double>(std::max<std::int64_t>(0, to_ns(now) - at));
  return latency_ns_.load(std::memory_order_relaxed) * std::exp(-age / decay_ns);
}

void endpoint_state::rotate_window(clock::time_point now) noexcept {
  const auto began = window_began_ns_.load(std::memory_order_relaxed);
  if (to_ns(now) - began < window_ns) return;
  window_began_ns_.store(to_ns(now), std::memory_order_relaxed);
  window_calls_.store(0, std::memory_order_relaxed);
  window_failures_.store(0, std::memory_order_relaxed);
}

endpoint_state::health endpoint_state::state(clock::time_point now) const noexcept {
  const auto until = ejected_until_ns_.load(std::memory_order_relaxed);
  if (until == 0) return health::healthy;
  return to_ns(now) < until ? health::ejected : health::probation;
}

bool endpoint_state::deserves_ejection(const ejection_options& options) const noexcept {
  if (consecutive_failures_.load(std::memory_order_relaxed) >= options.consecutive_failures) return true;
  const std::size_t calls = window_calls_.load(std::memory_order_relaxed);
  const std::size_t failures = window_failures_.load(std::memory_order_relaxed);
  return calls >= options.minimum_calls && failures * 100 >= calls * options.failure_percent;
}

void endpoint_state::eject(const ejection_options& options, clock::time_point now, double jitter) noexcept {
  const auto times = ejections_.fetch_add(1, std::memory_order_relaxed);
  const auto doubled = options.base_time * (std::int64_t{1} << std::min(times, 16U));
  const auto time = std::min<std::chrono::nanoseconds>(doubled, options.max_time);
  const auto spread = static_cast<std::int64_t>(static_cast<double>(time.count()) * jitter);
  ejected_until_ns_.store(to_ns(now) + spread, std::memory_order_relaxed);
  consecutive_failures_.store(0, std::memory_order_relaxed);
  window_calls_.store(0, std::memory_order_relaxed);
  window_failures_.store(0, std::memory_order_relaxed);
  probing_.store(false, std::memory_order_relaxed);
}

void endpoint_state::readmit() noexcept {
  ejected_until_ns_.store(0, std::memory_order_relaxed);
  probing_.store(false, std::memory_order_relaxed);
  // The next ejection is shorter again, but not forgotten at once.
  const auto times = ejections_.load(std::memory_order_relaxed);
  ejections_.store(times / 2, std::memory_order_relaxed);
}

}  // namespace weft
