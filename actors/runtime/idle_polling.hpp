// Whether an idle loop should look for events a little longer before it sleeps.
//
// A sleeping core takes tens of microseconds to wake, and so does the one that must send the wake-up. A loop
// whose next event comes sooner than that answers earlier, and often cheaper, when it does not sleep at all;
// any other loop only burns its core. What tells them apart is how long recent idle times were, so, as with
// KVM's halt polling, history decides: short sleeps earn a try, tries that find events go on, and those that
// do not make the next one wait for ever more short sleeps. The cost of useless polling thereby vanishes.
//
// Holds no clock: told what happened, it says what to do. Ownership: none. Thread safety: none, one for each
// loop. Errors: none.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace weft {

class idle_polling {
 public:
  using duration = std::chrono::nanoseconds;

  enum class result : std::uint8_t {
    found,
    /// The window passed.
    in_vain,
    /// Somebody else ran on this core meanwhile, whom polling only delays: to them a loop that sleeps wakes
    /// up at once.
    crowded,
  };

  /// Polls for at most `window`; 0 is never.
  explicit idle_polling(duration window) noexcept : window_(window), short_sleep_(4 * window) {}

  duration window() const noexcept { return window_; }
  /// Whether to poll when there is nothing to do.
  bool pays() const noexcept { return credit_ > 0; }

  /// A turn began so long after the one before without a poll between them. What passes without a sleep says
  /// nothing about sleeps.
  void slept(duration idle) noexcept {
    if (idle < shortest_sleep) return;
    if (idle > short_sleep_) {
      short_sleeps_ -= std::min(short_sleeps_, penalty);
    } else if (++short_sleeps_ >= needed_) {
      short_sleeps_ = 0;
      credit_ = penalty;
    }
  }

  void polled(result what) noexcept {
    if (what == result::found) {
      credit_ = std::min(credit_ + 1, most_credit);
      if (credit_ == most_credit) needed_ = fewest_needed;
    } else if (credit_ > penalty) {
      credit_ -= penalty;
    } else {
      credit_ = 0;
      needed_ = std::min(2 * needed_, most_needed);
    }
  }

 private:
  /// No core sleeps and wakes in less.
  static constexpr duration shortest_sleep = std::chrono::microseconds(2);
  /// What one miss costs, in hits: polling goes on while four in five find something.
  static constexpr std::uint32_t penalty = 4;
  static constexpr std::uint32_t most_credit = 4 * penalty;
  static constexpr std::uint32_t fewest_needed = 4;
  static constexpr std::uint32_t most_needed = 1024;

  duration window_;
  /// The longest sleep that may have been one of the window's length and two wake-ups, ours and theirs.
  duration short_sleep_;
  std::uint32_t short_sleeps_ = 0;
  /// Short sleeps before the next try.
  std::uint32_t needed_ = fewest_needed;
  /// The credit of the try under way; 0: there is none.
  std::uint32_t credit_ = 0;
};

}  // namespace weft
