// timer_wheel: the armed timers of one executor, as a hierarchy of wheels with 64 slots each.
//
// A tick is 1 ms. Level 0 holds the timers of the current 64 ticks one tick a slot, level 1 those of the
// current 4096 ticks 64 ticks a slot, and so on; 6 levels reach 795 days ahead, and what is due later goes
// round once more. When time reaches a slot of a higher level its timers move down. So every timer moves at
// most 5 times, inserting and removing are O(1), and nothing is allocated.
//
// Invariants: `elapsed_` never enters an occupied slot without emptying it, so the first occupied slot of the
// lowest occupied level holds the earliest timer. A timer never fires before it is due: due times are rounded
// up to a tick.
//
// Ownership: none; a timer that is destroyed must have been removed before, which its executor sees to.
// Thread safety: none.
#pragma once

#include <array>
#include <cassert>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "actors/coro/executor.hpp"

namespace weft::coro {

class timer_wheel {
 public:
  /// Ticks are counted from `origin`, usually the executor's present time.
  explicit timer_wheel(clock::time_point origin) noexcept : origin_(origin) {}
  timer_wheel(const timer_wheel&) = delete;
  timer_wheel& operator=(const timer_wheel&) = delete;

  /// `t.due()` says when. REQUIRES: `t` is in no wheel.
  void insert(timer& t) noexcept;
  /// REQUIRES: `t` is in this wheel.
  void remove(timer& t) noexcept;

  std::size_t size() const noexcept { return size_; }
  /// A lower bound of when the next timer fires, exact for the timers of the current 64 ticks. None when
  /// empty.
  std::optional<clock::time_point> next_due() const noexcept;

  /// Hands every timer that is due at `now` to `sink(timer&)`, unlinked, in the order of their ticks. The
  /// sink may insert, remove and destroy any timers, also such as are due in the same call; it must not call
  /// `advance`. What the sink inserts for a time that is past already waits for the next call.
  template <class Sink>
  void advance(clock::time_point now, Sink&& sink);

 private:
  static constexpr unsigned slot_bits = 6;
  static constexpr unsigned slots = 1U << slot_bits;
  static constexpr unsigned levels = 6;
  /// Timers that were due already when they were inserted; fire with the next `advance`.
  static constexpr std::size_t overdue = std::size_t{levels} * slots;
  /// Timers that the running `advance` is about to hand out.
  static constexpr std::size_t firing = overdue + 1;

  struct position {
    unsigned level;
    unsigned slot;
    std::uint64_t start;  ///< The first tick of the slot.
  };

  std::uint64_t due_tick(clock::time_point due) const noexcept;
  std::uint64_t past_tick(clock::time_point now) const noexcept;
  std::optional<position> first_occupied() const noexcept;
  std::size_t list_for(std::uint64_t tick) const noexcept;
  void link(timer& t, std::size_t list) noexcept;
  void unlink(timer& t) noexcept;
  void move_all(std::size_t from) noexcept;
  /// Moves on to the next occupied slot not after `target`, whose timers become `firing` or move down. False
  /// when there is none; time is at `target` then.
  bool step(std::uint64_t target) noexcept;
  timer* take_firing() noexcept;

  clock::time_point origin_;
  std::uint64_t elapsed_ = 0;
  std::size_t size_ = 0;
  std::array<std::uint64_t, levels> occupied_{};
  std::array<timer*, firing + 1> lists_{};  ///< The first of each list; its `previous_` is the last.
};

template <class Sink>
void timer_wheel::advance(clock::time_point now, Sink&& sink) {
  const std::uint64_t target = past_tick(now);
  move_all(overdue);
  do {
    while (timer* t = take_firing()) sink(*t);
  } while (step(target));
}

}  // namespace weft::coro
