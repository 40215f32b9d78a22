// channel<T>: a bounded queue between the coroutines of one actor.
//
//     channel<int> numbers(16);                                         // lives in the actor's state
//     if (!co_await numbers.send(ctx, 1)) co_return;                    // waits while it is full
//     while (auto n = co_await numbers.receive(ctx)) use(*n);           // until it is closed and empty
//
// With capacity 0 it is a rendezvous: a send ends when somebody has been given the value.
//
// After close() nothing can be sent any more, sends that wait are refused, and receivers get what is in the
// queue before they get the end. What can be done at once is done, even in a cancelled cancel scope.
//
// Order: values arrive in the order in which they were sent; senders and receivers are served in the order in
// which they began to wait.
//
// Ownership: channel, waiting frames and contexts may be destroyed in any order. A value given to a receiver
// whose frame is destroyed before it could look at it goes to the next one. A channel that dies is closed,
// and what was in it is gone.
//
// Nothing is allocated after the construction; only a value that comes back into a full queue makes it
// larger.
//
// Thread safety: none; belongs to one actor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "actors/coro/ring.hpp"
#include "actors/coro/suspension.hpp"

namespace weft::coro {

/// Why a wait at a channel yielded nothing. The cancel scope knows why it was cancelled.
enum class channel_end : std::uint8_t { closed, cancelled };

template <class... Ts>
class select_awaiter;

template <class T>
class channel {
 public:
  class [[nodiscard("a send does nothing until it is awaited")]] sending;
  class [[nodiscard("a receive does nothing until it is awaited")]] receiving;

  explicit channel(std::size_t capacity) : capacity_(capacity), queue_(capacity) {}
  channel(const channel&) = delete;
  channel& operator=(const channel&) = delete;
  ~channel() { close(); }

  /// Awaited once: yields a std::expected<void, channel_end>.
  sending send(cancel_scope ctx, T value) { return sending(*this, std::move(ctx), std::move(value)); }
  /// Awaited once: yields a std::expected<T, channel_end>.
  receiving receive(cancel_scope ctx) { return receiving(*this, std::move(ctx)); }

  /// False, and `value` is as it was, when it cannot be sent at once.
  bool try_send(T&& value) { return offer(value); }
  bool try_send(const T& value) {
    T copy = value;
    return offer(copy);
  }
  std::optional<T> try_receive();

  void close();
  bool closed() const noexcept { return closed_; }
  std::size_t capacity() const noexcept { return capacity_; }
  /// How many values are in the queue; those of senders that wait are not.
  std::size_t size() const noexcept { return queue_.size(); }

 private:
  template <class... Ts>
  friend class select_awaiter;
  class sender;
  class receiver;

  bool offer(T& value);
  bool has_value() const noexcept { return !queue_.empty() || !senders_.empty(); }
  void give(receiver& to, T value);
  void take_back(receiver& from);

  const std::size_t capacity_;
  bool closed_ = false;
  /// How often in a row a select took from another channel although there was a value here.
  std::uint32_t passed_over_ = 0;
  ring<T> queue_;
  intrusive_list<sender> senders_;
  /// Those that wait, which is only while there is no value.
  intrusive_list<receiver> receivers_;
  /// Those that were given a value and have not run since.
  intrusive_list<receiver> given_;
};

template <class T>
std::optional<T> channel<T>::try_receive() {
  if (queue_.empty()) {
    sender* const first = senders_.pop_front();
    return first == nullptr ? std::nullopt : std::optional<T>(first->accept());
  }
  std::optional<T> value(queue_.pop_front());
  while (queue_.size() < capacity_ && !senders_.empty()) queue_.push_back(senders_.pop_front()->accept());
  return value;
}

template <class T>
bool channel<T>::offer(T& value) {
  if (closed_) return false;
  if (receiver* const first = receivers_.pop_front()) {
    give(*first, std::move(value));
    return true;
  }
  if (queue_.size() >= capacity_) return false;
  queue_.push_back(std::move(value));
  return true;
}

template <class T>
void channel<T>::give(receiver& to, T value) {
  to.value_.emplace(std::move(value));
  given_.push_back(to);
  to.notify();
}

// Those who were given later ones get the earlier ones, so that the order stays.
template <class T>
void channel<T>::take_back(receiver& from) {
  T value = std::move(*from.value_);
  for (receiver* later = given_.after(from); later != nullptr; later = given_.after(*later)) {
    std::swap(*later->value_, value);
  }
  from.unlink();
  if (receiver* const first = receivers_.pop_front()) {
    give(*first, std::move(value));
  } else {
    queue_.push_front(std::move(value));
  }
}

template <class T>
void channel<T>::close() {
  closed_ = true;
  while (sender* const first = senders_.pop_front()) first->notify();
  while (receiver* const first = receivers_.pop_front()) first->notify();
}

}  // namespace weft::coro

#include "actors/coro/channel_waits.hpp"  // IWYU pragma: export
