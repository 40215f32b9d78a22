// How often a link may be told everything: some times at once, then once an interval. Whoever asks more often
// waits. A value; no thread safety.
#pragma once

#include <algorithm>
#include <chrono>

namespace weft {

inline constexpr std::chrono::milliseconds advertise_interval{200};

class advertise_budget {
 public:
  using clock = std::chrono::steady_clock;

  bool take(clock::time_point now) noexcept {
    const auto intervals = (now - refilled_) / advertise_interval;
    if (intervals > 0) {
      left_ = intervals > most ? most : std::min(most, left_ + static_cast<int>(intervals));
      refilled_ = now;
    }
    if (left_ == 0) return false;
    --left_;
    return true;
  }

 private:
  static constexpr int most = 4;
  int left_ = most;
  clock::time_point refilled_{};
};

}  // namespace weft
