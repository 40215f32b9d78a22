// Who takes long waits here, so that whoever takes little does not wait for all of them: a turn of the loop
// serves everyone that is ready, and one of these.
//
// Ownership: none of the handlers; one removes itself before it dies. Thread safety: none; belongs to its
// reactor.
#pragma once

#include <algorithm>
#include <deque>

#include "actors/runtime/watched_descriptors.hpp"

namespace weft {

class turn_queue {
 public:
  void wait(event_handler& handler) { waiting_.push_back(&handler); }
  void remove(const event_handler& handler) noexcept { std::erase(waiting_, &handler); }
  bool empty() const noexcept { return waiting_.empty(); }
  /// The one that has waited longest; null when nobody waits.
  event_handler* take() noexcept {
    if (waiting_.empty()) return nullptr;
    auto* const first = waiting_.front();
    waiting_.pop_front();
    return first;
  }

 private:
  std::deque<event_handler*> waiting_;
};

}  // namespace weft
