// Who listens to a broadcast: part of broadcast.hpp.
#pragma once

#include <cassert>
#include <coroutine>
#include <cstdint>
#include <expected>
#include <utility>

#include "actors/coro/broadcast.hpp"
#include "actors/coro/suspension.hpp"

namespace weft::coro {

/// A local of the coroutine that reads it; one at a time waits.
template <class T>
class broadcast<T>::subscription final : public list_node {
 public:
  class [[nodiscard("a step does nothing until it is awaited")]] receiving;

  ~subscription() {
    if (waiter_ != nullptr) waiter_->subscription_ = nullptr;
  }

  /// Awaited once: yields a std::expected<T, broadcast_gap>.
  receiving next(cancel_scope ctx) noexcept { return receiving(*this, std::move(ctx)); }

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
  receiving(subscription& of, cancel_scope ctx) noexcept : suspension(std::move(ctx)), subscription_(&of) {}
  void notify() { this->wake(); }

  subscription* subscription_;
};

}  // namespace weft::coro
