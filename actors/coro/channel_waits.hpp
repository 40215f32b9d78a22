// Who waits at a channel, to send or to receive: part of channel.hpp.
#pragma once

#include <coroutine>
#include <expected>
#include <optional>
#include <utility>

#include "actors/coro/channel.hpp"
#include "actors/coro/suspension.hpp"

namespace weft::coro {

/// Linked with the channel while it waits.
template <class T>
class channel<T>::sender : public list_node {
 protected:
  explicit sender(T value) : value_(std::move(value)) {}
  ~sender() = default;
  /// The value was accepted, or the channel closed: posts the coroutine.
  virtual void notify() = 0;

  T value_;
  bool accepted_ = false;

 private:
  friend channel;
  T accept() {
    accepted_ = true;
    notify();
    return std::move(value_);
  }
};

/// Linked with the channel while it waits, and from when it is given a value until it takes it.
template <class T>
class channel<T>::receiver : public list_node {
 protected:
  explicit receiver(channel& from) noexcept : channel_(&from) {}
  ~receiver() {
    if (linked() && value_) channel_->take_back(*this);
  }
  /// There is a value, or the channel was closed: posts the coroutine.
  virtual void notify() = 0;

  bool take_at_once() { return (value_ = channel_->try_receive()).has_value() || channel_->closed_; }
  void wait() noexcept { channel_->receivers_.push_back(*this); }
  std::optional<T> take() {
    unlink();
    return std::exchange(value_, std::nullopt);
  }

  channel* channel_;
  std::optional<T> value_;

 private:
  friend channel;
};

template <class T>
class channel<T>::sending final : private suspension, private sender {
 public:
  bool await_ready() { return (this->accepted_ = channel_->offer(this->value_)) || channel_->closed_; }
  bool await_suspend(std::coroutine_handle<> waiting) {
    if (!this->suspend(waiting)) return false;
    channel_->senders_.push_back(*this);
    return true;
  }
  std::expected<void, channel_end> await_resume() noexcept {
    this->resumed();
    sender::unlink();
    if (this->accepted_) return {};
    return std::unexpected(this->reason() ? channel_end::cancelled : channel_end::closed);
  }

 private:
  friend channel;
  sending(channel& to, cancel_scope ctx, T value)
      : suspension(std::move(ctx)), sender(std::move(value)), channel_(&to) {}
  void notify() override { this->wake(); }

  channel* channel_;
};

template <class T>
class channel<T>::receiving final : private suspension, private receiver {
 public:
  bool await_ready() { return this->take_at_once(); }
  bool await_suspend(std::coroutine_handle<> waiting) {
    if (!this->suspend(waiting)) return false;
    receiver::wait();
    return true;
  }
  std::expected<T, channel_end> await_resume() {
    this->resumed();
    if (std::optional<T> value = this->take()) return std::move(*value);
    return std::unexpected(this->reason() ? channel_end::cancelled : channel_end::closed);
  }

 private:
  friend channel;
  receiving(channel& from, cancel_scope ctx) noexcept : suspension(std::move(ctx)), receiver(from) {}
  void notify() override { this->wake(); }
};

}  // namespace weft::coro
