// select: waits for a value from any of several channels.
//
//     while (auto item = co_await select(ctx, numbers, names)) {
//       if (item->index() == 0) use(std::get<0>(*item));
//     }
//
// Yields a std::expected of a variant whose index tells the channel, or the channel_end when all channels are
// closed and empty or `ctx` is cancelled. Nothing is taken from the others. Where several channels have a
// value, the one that was passed over most often is next, and among equals the first.
//
// Ownership: as for channel. Thread safety: none; the channels belong to one actor.
#pragma once

#include <algorithm>
#include <array>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <tuple>
#include <utility>
#include <variant>

#include "actors/coro/channel.hpp"

namespace weft::coro {

template <class... Ts>
class [[nodiscard("a select does nothing until it is awaited")]] select_awaiter final : private suspension {
  static_assert(sizeof...(Ts) > 0, "select waits for at least one channel");

 public:
  using value_type = std::variant<Ts...>;

  explicit select_awaiter(cancel_scope ctx, channel<Ts>&... from) noexcept
      : suspension(std::move(ctx)), parts_(from...) {
    each([this](auto& p) { p.whole = this; });
  }

  bool await_ready() {
    const std::size_t chosen = choose();
    std::size_t at = 0;
    bool open = false;
    each([&](auto& p) {
      p.pass_over(at == chosen);
      if (at++ == chosen) p.take_at_once();
      open = open || !p.closed();
    });
    return chosen != sizeof...(Ts) || !open;
  }
  bool await_suspend(std::coroutine_handle<> waiting) {
    if (!suspend(waiting)) return false;
    each([](auto& p) {
      if (!p.closed()) p.wait();
    });
    return true;
  }
  std::expected<value_type, channel_end> await_resume() {
    resumed();
    return take(std::index_sequence_for<Ts...>());
  }

 private:
  template <class T>
  class part final : private channel<T>::receiver {
    using base = typename channel<T>::receiver;

   public:
    part(channel<T>& from) noexcept : base(from) {}  // NOLINT(google-explicit-constructor): made by a tuple

    using base::linked;
    using base::take;
    using base::take_at_once;
    using base::unlink;
    using base::wait;
    bool closed() const noexcept { return this->channel_->closed(); }
    bool given() const noexcept { return this->value_.has_value(); }
    /// How urgent it is to take from this channel; 0 when there is nothing to take.
    std::uint64_t urgency() const noexcept {
      return this->channel_->has_value() ? std::uint64_t{this->channel_->passed_over_} + 1 : 0;
    }
    void pass_over(bool is_taken) noexcept {
      auto& count = this->channel_->passed_over_;
      if (is_taken || !this->channel_->has_value()) {
        count = 0;
      } else {
        ++count;
      }
    }

    select_awaiter* whole = nullptr;

   private:
    void notify() override { whole->on_part(); }
  };

  template <class F>
  void each(F&& f) {
    std::apply([&](auto&... p) { (f(p), ...); }, parts_);
  }

  /// The position of the channel to take from; that after the last one when there is nothing to take.
  std::size_t choose() {
    std::array<std::uint64_t, sizeof...(Ts)> urgencies{};
    std::size_t at = 0;
    each([&](auto& p) { urgencies[at++] = p.urgency(); });
    const auto* const most = std::ranges::max_element(urgencies);
    return *most == 0 ? sizeof...(Ts) : static_cast<std::size_t>(most - urgencies.data());
  }

  /// A part was given a value, or its channel closed.
  void on_part() {
    bool given = false;
    bool waiting = false;
    each([&](auto& p) {
      given = given || p.given();
      waiting = waiting || p.linked();
    });
    if (given) {
      each([](auto& p) {
        if (!p.given()) p.unlink();
      });
    }
    if (given || !waiting) wake();
  }

  template <std::size_t... I>
  std::expected<value_type, channel_end> take(std::index_sequence<I...>) {
    std::optional<value_type> taken;
    const auto take_one = [&]<std::size_t at>(auto& p, std::in_place_index_t<at> index) {
      if (auto value = p.take()) taken.emplace(index, std::move(*value));
    };
    (take_one(std::get<I>(parts_), std::in_place_index<I>), ...);
    if (taken) return std::move(*taken);
    return std::unexpected(reason() ? channel_end::cancelled : channel_end::closed);
  }

  std::tuple<part<Ts>...> parts_;
};

template <class... Ts>
select_awaiter<Ts...> select(cancel_scope ctx, channel<Ts>&... from) noexcept {
  return select_awaiter<Ts...>(std::move(ctx), from...);
}

}  // namespace weft::coro
