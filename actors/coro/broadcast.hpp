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
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <expected>
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

/// A local of the coroutine that reads it; one at a time waits.
template <class T>
class broadcast<T>::subscription final : public list_node {
 public:
  class [[nodiscard("a step does nothing until it is awaited")]] receiving;

  ~subscription() {
    if (waiter_ != nullptr) waiter_->subscription_ = nullptr;
  }

  /// Awaited once: yields a std::expected<T, broadcast_gap>.
  receiving next(context ctx) noexcept { return receiving(*this, std::move(ctx)); }

 private:
  friend broadcast;
  using gap = broadcast_gap::reason;

  explicit subscription(broadcast& from) noexcept : from_(&from), seen_(from.published_) {
    from.subscriptions_.push_back(*this);
  }
  void notify() {
    if (waiter_ != nullptr) waiter_->notify();
  }
  bool has_news() const noexcept { return !this->linked() || seen_ != from_->published_ || from_->closed_; }
  std::expected<T, broadcast_gap> take();

  /// Alive while this is linked.
  broadcast* from_;
  std::uint64_t seen_;
  /// Values lost when it was dropped for that.
  std::uint64_t dropped_after_ = 0;
  receiving* waiter_ = nullptr;
};

template <class T>
std::expected<T, broadcast_gap> broadcast<T>::subscription::take() {
  if (dropped_after_ != 0) return std::unexpected(broadcast_gap{gap::dropped, dropped_after_});
  if (!this->linked()) return std::unexpected(broadcast_gap{gap::closed});
  const std::uint64_t behind = from_->published_ - seen_;
  const std::uint64_t kept = from_->kept_.size();
  if (behind == 0) return std::unexpected(broadcast_gap{from_->closed_ ? gap::closed : gap::cancelled});
  if (behind <= kept) return *from_->kept_[seen_++ % kept];
  const std::uint64_t missed = behind - kept;
  if (from_->policy_ == slow_subscriber::is_dropped) {
    dropped_after_ = missed;
    this->unlink();
    return std::unexpected(broadcast_gap{gap::dropped, missed});
  }
  seen_ += missed;
  return std::unexpected(broadcast_gap{gap::lagged, missed});
}

template <class T>
class broadcast<T>::subscription::receiving final : private suspension {
 public:
  receiving(const receiving&) = delete;
  receiving& operator=(const receiving&) = delete;
  ~receiving() {
    if (subscription_ != nullptr && subscription_->waiter_ == this) subscription_->waiter_ = nullptr;
  }

  bool await_ready() const noexcept { return subscription_->has_news(); }
  bool await_suspend(std::coroutine_handle<> waiting) {
    assert(subscription_->waiter_ == nullptr && "one coroutine waits for a subscription");
    if (!this->suspend(waiting)) return false;
    subscription_->waiter_ = this;
    return true;
  }
  std::expected<T, broadcast_gap> await_resume() {
    this->resumed();
    if (subscription_ == nullptr) return std::unexpected(broadcast_gap{gap::closed});
    return subscription_->take();
  }

 private:
  friend subscription;
  friend broadcast;
  receiving(subscription& of, context ctx) noexcept : suspension(std::move(ctx)), subscription_(&of) {}
  void notify() { this->wake(); }

  subscription* subscription_;
};

}  // namespace weft::coro
