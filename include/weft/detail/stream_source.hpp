// A generator of a method without its types: a node steps it, JSON goes in and out.
//
// Ownership: the source owns the generator, and with it the body's frame. Thread safety: none.
#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "weft/detail/arguments.hpp"
#include "weft/detail/convert.hpp"
#include "weft/detail/stream_buffer.hpp"
#include "weft/stream.hpp"

namespace weft::detail {

class stream_source {
 public:
  enum class kind : std::uint8_t { next, raise, close };
  class step;

  stream_source() = default;
  stream_source(const stream_source&) = delete;
  stream_source& operator=(const stream_source&) = delete;
  virtual ~stream_source() = default;

  /// The next step brings this value into the generator; what is wrong with it otherwise.
  virtual std::optional<error> receive(std::string_view raw_value) = 0;

  step next() noexcept;
  step raise(std::exception_ptr what) noexcept;
  step close() noexcept;

 private:
  virtual bool begin(kind what, std::exception_ptr raised) = 0;
  virtual std::coroutine_handle<> suspend(std::coroutine_handle<> waiting) = 0;
  virtual std::optional<raw_item> resume() = 0;
};

/// Awaited where it is made.
class stream_source::step {
 public:
  step(stream_source& of, kind what, std::exception_ptr raised) noexcept
      : of_(of), what_(what), raised_(std::move(raised)) {}
  bool await_ready() { return of_.begin(what_, std::move(raised_)); }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> waiting) { return of_.suspend(waiting); }
  std::optional<raw_item> await_resume() { return of_.resume(); }

 private:
  stream_source& of_;
  kind what_;
  std::exception_ptr raised_;
};

inline stream_source::step stream_source::next() noexcept {
  return {*this, kind::next, nullptr};
}
inline stream_source::step stream_source::raise(std::exception_ptr what) noexcept {
  return {*this, kind::raise, std::move(what)};
}
inline stream_source::step stream_source::close() noexcept {
  return {*this, kind::close, nullptr};
}

/// Room for one that cannot be moved, made in place.
template <class T>
class in_place {
 public:
  in_place() = default;
  in_place(const in_place&) = delete;
  in_place& operator=(const in_place&) = delete;
  ~in_place() { reset(); }

  template <class Make>
  T& emplace(Make make) {
    reset();
    at_ = ::new (static_cast<void*>(room_)) T(make());
    return *at_;
  }
  void reset() noexcept {
    if (auto* const was = std::exchange(at_, nullptr)) was->~T();
  }
  T* get() const noexcept { return at_; }

 private:
  alignas(T) std::byte room_[sizeof(T)];
  T* at_ = nullptr;
};

template <class Generator>
class typed_source;
template <class T, class Sent>
class typed_source<coro::async_generator<T, Sent>> final : public stream_source {
  using generator = coro::async_generator<T, Sent>;
  using sent_value = std::conditional_t<std::is_void_v<Sent>, json, Sent>;

 public:
  /// `keeps` is what the body may refer to.
  typed_source(std::shared_ptr<const void> keeps, generator items) noexcept
      : keeps_(std::move(keeps)), items_(std::move(items)) {}

  std::optional<error> receive(std::string_view raw_value) override {
    auto parsed = parse(raw_value);
    if (!parsed) return std::move(parsed.error());
    auto value = read<sent_value>(*parsed);
    if (!value) return error(error_code::invalid_params, "{}", value.error().text("what is sent"));
    sent_.emplace(std::move(*value));
    return std::nullopt;
  }

 private:
  bool begin(kind what, std::exception_ptr raised) override {
    step_.reset();
    if (what == kind::close) return closing_.emplace([this] { return items_.aclose(); }).await_ready();
    return begin_step(what, std::move(raised)).await_ready();
  }
  auto& begin_step(kind what, std::exception_ptr raised) {
    if (what == kind::raise) return step_.emplace([&] { return items_.athrow(std::move(raised)); });
    if constexpr (!std::is_void_v<Sent>) {
      if (sent_) return step_.emplace([this] { return items_.asend(*std::exchange(sent_, std::nullopt)); });
    }
    return step_.emplace([this] { return items_.next(); });
  }
  std::coroutine_handle<> suspend(std::coroutine_handle<> waiting) override {
    return closing_.get() != nullptr ? closing_.get()->await_suspend(waiting)
                                     : step_.get()->await_suspend(waiting);
  }
  std::optional<raw_item> resume() override {
    if (auto* const closing = closing_.get()) {
      closing->await_resume();
      return std::nullopt;
    }
    const auto came = step_.get()->await_resume();
    if (!came) return std::nullopt;
    if constexpr (is_item<T>) {
      return raw_item{to_text(write(came->value)), to_text(write(came->cursor))};
    } else {
      return raw_item{to_text(write(*came)), {}};
    }
  }

  std::shared_ptr<const void> keeps_;
  generator items_;
  std::optional<sent_value> sent_;
  in_place<typename generator::step> step_;
  in_place<typename generator::closing> closing_;
};

}  // namespace weft::detail
