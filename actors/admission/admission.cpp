#include "actors/admission/admission.hpp"

namespace weft {

void admission_queue::push(waiting_call& c, clock::time_point now) noexcept {
  if (first_ == nullptr) empty_at_ = now;
  c.waiting_previous = last_;
  c.waiting_next = nullptr;
  (last_ == nullptr ? first_ : last_->waiting_next) = &c;
  last_ = &c;
  c.queued_at = now;
  ++size_;
}

void admission_queue::remove(waiting_call& c, clock::time_point now) noexcept {
  (c.waiting_previous == nullptr ? first_ : c.waiting_previous->waiting_next) = c.waiting_next;
  (c.waiting_next == nullptr ? last_ : c.waiting_next->waiting_previous) = c.waiting_previous;
  c.waiting_previous = c.waiting_next = nullptr;
  if (--size_ == 0) empty_at_ = now;
}

}  // namespace weft
