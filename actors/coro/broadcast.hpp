// broadcast<T>: every subscriber gets every value that is published from its subscription on.
//
//     broadcast<int> prices(64, slow_subscriber::lags);            // lives in the actor's state
//     auto mine = prices.subscribe();                              // a local of the coroutine
//     while (auto price = co_await mine.next(ctx)) use(*price);
//
// Publishing never waits. The last values, as many as the capacity, are kept once for all; a subscriber that
// is further behind has lost some. By choice it is told how many and goes on with the oldest that is there
// (`lags`), or its subscription ends (`is_dropped`).
//
// After close() subscribers get what they have not seen, and then the end. A value that is there wins over a
// cancellation.
//
// Ownership: broadcast, subscriptions, waiting frames and contexts may be destroyed in any order. A broadcast
// that dies is closed, and what it kept is gone. Nothing is allocated after the construction, other than what
// a copy of a value allocates.
//
// Thread safety: none; belongs to one actor.
#pragma once

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "actors/coro/suspension.hpp"

namespace weft::coro {

enum class slow_subscriber : std::uint8_t { lags, is_dropped };

/// Why a subscriber got no value. Only after `lagged` there may be more.
struct broadcast_gap {
  enum class reason : std::uint8_t { closed, cancelled, lagged, dropped };
  reason why;
  /// How many values are lost, when it lagged or was dropped.
  std::uint64_t missed = 0;
  friend bool operator==(const broadcast_gap&, const broadcast_gap&) = default;
};

template <class T>
class broadcast {
 public:
  class subscription;

  /// Throws std::invalid_argument when `capacity` is 0.
  explicit broadcast(std::size_t capacity, slow_subscriber policy) : policy_(policy), kept_(capacity) {
    if (capacity == 0)
      throw std::invalid_argument("a broadcast of capacity 0 keeps nothing; it needs at least 1");
  }
  broadcast(const broadcast&) = delete;
  broadcast& operator=(const broadcast&) = delete;
  ~broadcast() { close(); }

  /// REQUIRES: not closed.
  void publish(T value) {
    assert(!closed_ && "nothing is published after the end");
    kept_[published_ % kept_.size()].emplace(std::move(value));
    ++published_;
    wake_all();
  }
  subscription subscribe() noexcept { return subscription(*this); }
  void close() {
    closed_ = true;
    wake_all();
  }
  bool closed() const noexcept { return closed_; }

 private:
  void wake_all() {
    for (subscription* s = subscriptions_.front(); s != nullptr; s = subscriptions_.after(*s)) s->notify();
  }

  const slow_subscriber policy_;
  bool closed_ = false;
  std::uint64_t published_ = 0;
  std::vector<std::optional<T>> kept_;
  intrusive_list<subscription> subscriptions_;
};

}  // namespace weft::coro

#include "actors/coro/broadcast_subscription.hpp"  // IWYU pragma: export
