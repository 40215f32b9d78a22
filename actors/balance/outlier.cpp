#include "actors/balance/outlier.hpp"

#include "proto/error.hpp"

namespace weft {

bool is_instance_failure(std::int32_t code) noexcept {
  constexpr std::int32_t server_errors_from = -32099;
  constexpr std::int32_t server_errors_to = -32000;
  switch (static_cast<error_code>(code)) {
    case error_code::internal_error:
    case error_code::deadline_exceeded:
    case error_code::resource_exhausted:
    case error_code::unavailable:
      return true;
    default:
      return code >= server_errors_from && code <= server_errors_to;
  }
}

bool was_given_time(const endpoint_state& instance, std::chrono::nanoseconds took,
                    endpoint_state::clock::time_point now) noexcept {
  // Nothing is known of an instance that has never answered.
  constexpr double unknown_ns = 100e6;
  constexpr double times_usual = 3;
  const auto usual = instance.latency_ns(now);
  return static_cast<double>(took.count()) >= (usual > 0 ? usual * times_usual : unknown_ns);
}

double ejection_jitter(std::minstd_rand& random) {
  std::uniform_real_distribution<double> jitter(0.8, 1.2);
  return jitter(random);
}

}  // namespace weft
