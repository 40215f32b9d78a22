// The time that a load generator measures by, and the processor time it takes itself.
#pragma once

#include <chrono>
#include <cstdint>

#include <sys/resource.h>

#include "node/client/socket.hpp"

namespace weft::tools {

inline constexpr std::int64_t second_ns = 1'000'000'000;

inline std::int64_t clock_ns() {
  return std::chrono::nanoseconds(steady_clock::now().time_since_epoch()).count();
}

/// Of this process, since it was made or begun anew.
class cpu_meter {
 public:
  cpu_meter() noexcept { begin(); }
  void begin() noexcept { ::getrusage(RUSAGE_SELF, &before_); }
  std::chrono::nanoseconds user() const noexcept { return since(&rusage::ru_utime); }
  std::chrono::nanoseconds system() const noexcept { return since(&rusage::ru_stime); }

 private:
  std::chrono::nanoseconds since(timeval rusage::* which) const noexcept {
    rusage now{};
    ::getrusage(RUSAGE_SELF, &now);
    return to_duration(now.*which) - to_duration(before_.*which);
  }
  static std::chrono::nanoseconds to_duration(const timeval& time) noexcept {
    return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
  }

  rusage before_{};
};

}  // namespace weft::tools
