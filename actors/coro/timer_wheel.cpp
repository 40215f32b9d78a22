#include "actors/coro/timer_wheel.hpp"

#include <algorithm>
#include <bit>

namespace weft::coro {

namespace {
constexpr clock::duration tick_length = std::chrono::milliseconds(1);
}

std::uint64_t timer_wheel::due_tick(clock::time_point due) const noexcept {
  if (due <= origin_) return 0;
  const auto since = due - origin_;
  return static_cast<std::uint64_t>(since / tick_length) + (since % tick_length != clock::duration::zero());
}

std::uint64_t timer_wheel::past_tick(clock::time_point now) const noexcept {
  return now <= origin_ ? 0 : static_cast<std::uint64_t>((now - origin_) / tick_length);
}

// The highest bit in which the tick differs from the present decides the level. A tick that is out of reach
// goes to the top level too: its slot comes round too early, and then it is placed again.
std::size_t timer_wheel::list_for(std::uint64_t tick) const noexcept {
  const auto highest = static_cast<unsigned>(std::bit_width((elapsed_ ^ tick) | (slots - 1))) - 1;
  const unsigned level = std::min(highest / slot_bits, levels - 1);
  return std::size_t{level} * slots + ((tick >> (level * slot_bits)) & (slots - 1));
}

void timer_wheel::insert(timer& t) noexcept {
  const std::uint64_t tick = due_tick(t.due_);
  link(t, tick <= elapsed_ ? overdue : list_for(tick));
  ++size_;
}

void timer_wheel::remove(timer& t) noexcept {
  unlink(t);
  --size_;
}

void timer_wheel::link(timer& t, std::size_t list) noexcept {
  timer*& first = lists_[list];
  t.slot_ = list;
  t.next_ = nullptr;
  if (first == nullptr) {
    first = t.previous_ = &t;
    if (list < overdue) occupied_[list / slots] |= std::uint64_t{1} << (list % slots);
    return;
  }
  t.previous_ = first->previous_;
  first->previous_->next_ = &t;
  first->previous_ = &t;
}

void timer_wheel::unlink(timer& t) noexcept {
  const std::size_t list = t.slot_;
  timer*& first = lists_[list];
  if (t.next_ != nullptr) {
    t.next_->previous_ = t.previous_;
  } else {
    first->previous_ = t.previous_;
  }
  if (first == &t) {
    first = t.next_;
  } else {
    t.previous_->next_ = t.next_;
  }
  t.previous_ = t.next_ = nullptr;
  if (first == nullptr && list < overdue) occupied_[list / slots] &= ~(std::uint64_t{1} << (list % slots));
}

std::optional<timer_wheel::position> timer_wheel::first_occupied() const noexcept {
  for (unsigned level = 0; level != levels; ++level) {
    if (occupied_[level] == 0) continue;
    const std::uint64_t present = elapsed_ >> (level * slot_bits);
    const auto current = static_cast<unsigned>(present % slots);
    const int after = static_cast<int>((current + 1) % slots);
    const auto distance = static_cast<unsigned>(std::countr_zero(std::rotr(occupied_[level], after))) + 1;
    return position{level, (current + distance) % slots, (present + distance) << (level * slot_bits)};
  }
  return std::nullopt;
}

std::optional<clock::time_point> timer_wheel::next_due() const noexcept {
  std::uint64_t tick = elapsed_;
  if (lists_[overdue] == nullptr && lists_[firing] == nullptr) {
    const auto first = first_occupied();
    if (!first) return std::nullopt;
    tick = first->start;
  }
  return origin_ + tick * tick_length;
}

// Stops at what is the last now: a timer that is out of reach goes to the end of the same list again.
void timer_wheel::move_all(std::size_t from) noexcept {
  if (lists_[from] == nullptr) return;
  const timer* const last = lists_[from]->previous_;
  for (const timer* moved = nullptr; moved != last;) {
    timer* const t = lists_[from];
    moved = t;
    unlink(*t);
    const std::uint64_t tick = due_tick(t->due_);
    link(*t, tick <= elapsed_ ? firing : list_for(tick));
  }
}

bool timer_wheel::step(std::uint64_t target) noexcept {
  const auto next = first_occupied();
  if (!next || next->start > target) {
    elapsed_ = std::max(elapsed_, target);
    return false;
  }
  elapsed_ = next->start;
  move_all(std::size_t{next->level} * slots + next->slot);
  return true;
}

timer* timer_wheel::take_firing() noexcept {
  timer* t = lists_[firing];
  if (t != nullptr) remove(*t);
  return t;
}

}  // namespace weft::coro
