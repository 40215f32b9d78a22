#include "actors/telemetry/span_queue.hpp"

#include <algorithm>
#include <iterator>

namespace weft {

std::size_t span_queue::push(std::vector<call_record>& spans) {
  std::size_t refused = 0;
  bool enough = false;
  {
    const std::lock_guard lock(mutex_);
    const auto room = closed_ ? 0 : capacity_ - spans_.size();
    const auto taken = std::min(room, spans.size());
    refused = spans.size() - taken;
    const auto end = spans.begin() + static_cast<std::ptrdiff_t>(taken);
    spans_.insert(spans_.end(), std::make_move_iterator(spans.begin()), std::make_move_iterator(end));
    enough = spans_.size() >= wanted_;
  }
  spans.clear();
  if (enough) changed_.notify_one();
  return refused;
}

std::vector<call_record> span_queue::take(std::size_t most, std::chrono::milliseconds timeout) {
  std::unique_lock lock(mutex_);
  wanted_ = std::min(most, capacity_);
  changed_.wait_for(lock, timeout, [this] { return closed_ || spans_.size() >= wanted_; });
  const auto count = static_cast<std::ptrdiff_t>(std::min(most, spans_.size()));
  std::vector<call_record> taken(std::make_move_iterator(spans_.begin()),
                                 std::make_move_iterator(spans_.begin() + count));
  spans_.erase(spans_.begin(), spans_.begin() + count);
  return taken;
}

void span_queue::close() {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
  }
  changed_.notify_all();
}

bool span_queue::closed() const {
  const std::lock_guard lock(mutex_);
  return closed_;
}

}  // namespace weft
