#include "weft/detail/stream_buffer.hpp"

#include <utility>

#include "actors/service/loops.hpp"

namespace weft::detail {

void stream_buffer::put(raw_item item) {
  action reads;
  action sends;
  {
    const std::lock_guard lock(mutex_);
    if (ended_) return;
    items_.push_back(std::move(item));
    reads = std::exchange(reader_, nullptr);
    takes_none_ = !was_granted_;
    if (is_writable()) sends = std::exchange(sender_, nullptr);
    changed_.notify_all();
  }
  if (reads) reads();
  if (sends) sends();
}

void stream_buffer::accept(std::int64_t values, std::int64_t bytes) {
  action act;
  {
    const std::lock_guard lock(mutex_);
    accepted_ += values;
    accepted_bytes_ += bytes;
    was_granted_ = true;
    takes_none_ = false;
    if (is_writable()) act = std::exchange(sender_, nullptr);
    changed_.notify_all();
  }
  if (act) act();
}

void stream_buffer::finish(std::optional<error> failure) {
  action reads;
  action sends;
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(ended_, true)) return;
    failure_ = std::move(failure);
    reads = std::exchange(reader_, nullptr);
    sends = std::exchange(sender_, nullptr);
    changed_.notify_all();
  }
  if (reads) reads();
  if (sends) sends();
}

bool stream_buffer::readable() const {
  const std::lock_guard lock(mutex_);
  return is_readable();
}

void stream_buffer::when_readable(action act) {
  {
    const std::lock_guard lock(mutex_);
    if (!is_readable()) {
      reader_ = std::move(act);
      return;
    }
  }
  act();
}

void stream_buffer::refuse_to_block() {
  finish(error(error_code::internal_error,
               "get() would block the reactor that is to bring the stream on: use co_await"));
  take_back();
}

void stream_buffer::wait_readable() {
  while (!readable() && link_->bring_on()) continue;
  if (current_loop() && !readable()) return refuse_to_block();
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return is_readable(); });
}

std::optional<raw_item> stream_buffer::take() {
  std::optional<raw_item> item;
  std::int64_t granted = 0;
  {
    const std::lock_guard lock(mutex_);
    if (items_.empty()) return item;
    item = std::move(items_.front());
    items_.pop_front();
    if (++taken_ * 2 >= window_ && !ended_) granted = std::exchange(taken_, 0);
  }
  if (granted != 0) link_->grant(granted);
  return item;
}

std::optional<error> stream_buffer::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

bool stream_buffer::writable() const {
  const std::lock_guard lock(mutex_);
  return is_writable();
}

void stream_buffer::when_writable(action act) {
  {
    const std::lock_guard lock(mutex_);
    if (!is_writable()) {
      sender_ = std::move(act);
      return;
    }
  }
  act();
}

void stream_buffer::wait_writable() {
  while (!writable() && link_->bring_on()) continue;
  if (current_loop() && !writable()) return refuse_to_block();
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return is_writable(); });
}

bool stream_buffer::send(std::string raw_value) {
  bool refused = false;
  {
    const std::lock_guard lock(mutex_);
    if (ended_) return false;
    refused = accepted_ == 0;
    if (!refused) {
      --accepted_;
      accepted_bytes_ -= static_cast<std::int64_t>(raw_value.size());
    }
  }
  if (refused) {
    finish(error(error_code::invalid_params, "the method takes no values; read its items, and send nothing"));
    take_back();
    return false;
  }
  link_->send(std::move(raw_value));
  return true;
}

void stream_buffer::take_back() {
  std::deque<raw_item> dropped;
  {
    const std::lock_guard lock(mutex_);
    dropped.swap(items_);
  }
  link_->take_back();
}

}  // namespace weft::detail
