// completion<T>: a one-shot slot that somebody else fulfils and one coroutine waits for.
//
//     completion<reply> answer;                 // usually a local of the coroutine
//     pending.emplace(id, &answer);             // the other party calls answer.set(...)
//     std::expected<reply, cancel_reason> r = co_await answer.wait(ctx);
//
// A value that is there wins over a cancellation. `set` never runs the waiting coroutine, it posts it.
//
// Ownership: the slot is where its owner puts it and does not move. Slot, waiting frame and cancel scope may
// be destroyed in any order; a slot that dies unset leaves its waiter to its cancel scope.
//
// Thread safety: none; belongs to one actor.
#pragma once

#include <cassert>
#include <coroutine>
#include <expected>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

#include "actors/coro/suspension.hpp"

namespace weft::coro {

template <class T>
class completion {
  using value_type = std::conditional_t<std::is_void_v<T>, std::monostate, T>;

 public:
  class awaiter;

  completion() = default;
  completion(const completion&) = delete;
  completion& operator=(const completion&) = delete;
  ~completion() {
    if (waiter_ != nullptr) waiter_->slot_ = nullptr;
  }

  bool is_set() const noexcept { return value_.has_value(); }

  /// False, and nothing happens, when the slot is set already. No argument when T is void.
  bool set(value_type value) {
    if (value_) return false;
    value_.emplace(std::move(value));
    if (waiter_ != nullptr) waiter_->notify();
    return true;
  }
  bool set()
    requires std::is_void_v<T>
  {
    return set(std::monostate{});
  }

  /// Awaited once: yields the value, or why `ctx` was cancelled before there was one.
  [[nodiscard]] awaiter wait(cancel_scope ctx) { return awaiter(*this, std::move(ctx)); }

 private:
  std::optional<value_type> value_;
  awaiter* waiter_ = nullptr;
};

template <class T>
class completion<T>::awaiter final : private suspension {
 public:
  awaiter(const awaiter&) = delete;
  awaiter& operator=(const awaiter&) = delete;
  ~awaiter() {
    if (slot_ != nullptr && slot_->waiter_ == this) slot_->waiter_ = nullptr;
  }

  bool await_ready() const noexcept { return slot_->is_set(); }
  bool await_suspend(std::coroutine_handle<> waiting) {
    assert(slot_->waiter_ == nullptr && "one coroutine waits for a completion");
    if (!this->suspend(waiting)) return false;
    slot_->waiter_ = this;
    return true;
  }
  std::expected<T, cancel_reason> await_resume() {
    this->resumed();
    if (slot_ == nullptr || !slot_->is_set()) return std::unexpected(*this->reason());
    if constexpr (std::is_void_v<T>) {
      return {};
    } else {
      return std::move(*slot_->value_);
    }
  }

 private:
  friend class completion;
  awaiter(completion& slot, cancel_scope ctx) noexcept : suspension(std::move(ctx)), slot_(&slot) {}
  void notify() { this->wake(); }

  completion* slot_;
};

}  // namespace weft::coro
