// Taking instances out of rotation that fail, and letting them in again (outlier detection, as Envoy calls
// it).
//
// What an ejection needs is kept in `endpoint_state`; here is what an attempt's end means for it.
#pragma once

#include <cstdint>
#include <random>

#include "actors/balance/endpoint.hpp"
#include "actors/config/options.hpp"

namespace weft {

/// Does this code say that the instance is not well? An error of the application says nothing of the kind,
/// except those by which programs report that they failed inside.
bool is_instance_failure(std::int32_t code) noexcept;

/// Does an attempt that ended with its caller's deadline, after `took`, say anything about the instance? Not
/// when that was less than its answers usually take: callers choose their deadlines, and must not be able to
/// take it away from others.
bool was_given_time(const endpoint_state& instance, std::chrono::nanoseconds took,
                    endpoint_state::clock::time_point now) noexcept;

/// So that instances ejected together do not come back together.
double ejection_jitter(std::minstd_rand& random);

/// After `endpoint_state::end`. True when the instance was ejected just now. `another_is_well` says whether
/// the method has one more that is well: the last one is never ejected, for in a mesh of two or three a share
/// of the instances rounds to none or to all.
template <class AnotherIsWell>
bool judge_instance(endpoint_state& instance, bool ok, const ejection_options& options,
                    endpoint_state::clock::time_point now, std::minstd_rand& random,
                    AnotherIsWell&& another_is_well) {
  using health = endpoint_state::health;
  const auto state = instance.state(now);
  if (ok) {
    if (state == health::probation) instance.readmit();
    return false;
  }
  const bool deserved = state == health::healthy && instance.deserves_ejection(options) && another_is_well();
  if (state != health::probation && !deserved) return false;
  instance.eject(options, now, ejection_jitter(random));
  return true;
}

}  // namespace weft
