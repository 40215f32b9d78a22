// Recycles the messages that connection and router exchange, so that a request in steady state allocates
// nothing.
//
// A pool belongs to one reactor. A message that dies on another thread, or when the pool is full, is freed
// instead.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "actors/runtime/actor_message.hpp"
#include "actors/runtime/reactor.hpp"

namespace weft {

template <class T>
class message_pool {
 public:
  using pointer = std::unique_ptr<T, caf::detail::disposer>;

  explicit message_pool(const reactor& home) noexcept : home_(home) {}
  ~message_pool() {
    for (T* message : free_) delete message;
  }
  message_pool(const message_pool&) = delete;
  message_pool& operator=(const message_pool&) = delete;

  /// Messages that were taken and have not come back, on this thread.
  std::size_t lent() const noexcept { return lent_; }

  pointer take() {
    ++lent_;
    if (free_.empty()) return pointer(new T(*this));
    T* message = free_.back();
    free_.pop_back();
    return pointer(message);
  }

 private:
  friend T;

  /// `message` is clean again: T's `request_deletion` has seen to that.
  void give_back(T* message) noexcept {
    if (!home_.on_this_thread()) return delete message;
    --lent_;
    if (free_.size() == max_free) return delete message;
    free_.push_back(message);
  }

  static constexpr std::size_t max_free = 32;
  const reactor& home_;
  std::size_t lent_ = 0;
  std::vector<T*> free_ = [] {
    std::vector<T*> v;
    v.reserve(max_free);
    return v;
  }();
};

}  // namespace weft
