// Streams: methods that answer with items, one by one, and whoever reads them.
//
//     weft::async_generator<line> tail(weft::call_context ctx, std::string file) {
//       if (!exists(file)) throw weft::stream_error(404, "no file {}", file);
//       for (;;) co_yield next_line(file);
//     }
//     files.method("log.tail", tail, {.params = {"file"}});
//
//     auto lines = ctx.mesh().stream<line>("log.tail", "a.log", {.window = 32});
//     while (auto each = co_await lines.next()) use(*each);
//     if (lines.error()) co_return *lines.error();
//
// Plain code has the same from a client or a node: `lines.next().get()`, or `for (line each : lines)`. Also
// `ctx.caller()` can be read from, when it is a client that serves a generator.
//
// A generator is stepped as far as its caller reads. When the caller lets go of the stream, it ends at its
// co_yield, and its destructors are the cleanup. With a second type it takes values: `co_yield` yields what
// the caller has sent since, nothing once the caller has ended its input. What the caller raises is thrown
// there as a stream_error. A method that yields weft::item may be `.resumable`: when its instance is lost,
// another one goes on behind the last cursor, which it finds in `ctx.after<Cursor>()`. Its reader sees
// nothing of that; where its own connection was lost, it goes on with a stream of its own:
//
//     auto rest = node.stream<line>("log.tail", "a.log", {.after = lines.cursor()});
//
// A stream of weft::item has each item with its cursor.
//
// A plain call of such a method gets all its items: `call<std::vector<line>>("log.tail", "a.log")`.
//
// Ownership: letting go of a stream takes it back. Thread safety: a stream belongs to one thread at a time.
#pragma once

#include <chrono>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <iterator>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <nlohmann/json.hpp>

#include "actors/coro/async_generator.hpp"
#include "weft/detail/arguments.hpp"
#include "weft/detail/convert.hpp"
#include "weft/detail/pending_state.hpp"
#include "weft/detail/stream_buffer.hpp"
#include "weft/error.hpp"
#include "weft/pending.hpp"

namespace weft {

/// `Sent` is what the caller sends meanwhile, if it does.
template <class T, class Sent = void>
using async_generator = coro::async_generator<T, Sent>;

/// What a resumable stream yields: a value, and what says where it stands.
template <class T, class Cursor>
struct item {
  T value;
  Cursor cursor;
};
template <class T, class Cursor>
item(T, Cursor) -> item<T, Cursor>;

namespace detail {

template <class T>
inline constexpr bool is_item = false;
template <class T, class Cursor>
inline constexpr bool is_item<item<T, Cursor>> = true;

template <class T>
struct item_value {
  using type = T;
};
template <class T, class Cursor>
struct item_value<item<T, Cursor>> {
  using type = T;
};

template <class T>
std::expected<T, error> read_part(const nlohmann::json& from, std::string_view called) {
  auto value = read<T>(from);
  if (value) return std::move(*value);
  return std::unexpected(error(error_code::internal_error, "{}", value.error().text(called)));
}

template <class T>
std::expected<T, error> read_item(const nlohmann::json& from, const nlohmann::json& cursor) {
  constexpr std::string_view called = "an item of the stream";
  if constexpr (is_item<T>) {
    auto value = read_part<decltype(T::value)>(from, called);
    if (!value) return std::unexpected(std::move(value.error()));
    auto where = read_part<decltype(T::cursor)>(cursor, "the cursor of an item");
    if (!where) return std::unexpected(std::move(where.error()));
    return T{std::move(*value), std::move(*where)};
  } else {
    return read_part<T>(from, called);
  }
}

}  // namespace detail

/// The end of a stream with an error: thrown by a generator it is the answer; in one, what its caller raises.
class stream_error final : public std::runtime_error {
 public:
  explicit stream_error(weft::error failure)
      : std::runtime_error(failure.message), error(std::move(failure)) {}
  template <class... Args>
  stream_error(std::int32_t code, fmt::format_string<Args...> text, Args&&... args)
      : stream_error(weft::error(code, text, std::forward<Args>(args)...)) {}

  weft::error error;
};

/// A stream as its caller reads it. It ends with its error, which `error()` tells then, or without one.
template <class T, class Sent = void>
class [[nodiscard("a stream that is let go is taken back")]] stream {
 public:
  class next_step;
  class send_step;
  class iterator;

  explicit stream(std::shared_ptr<detail::stream_buffer> of) noexcept : of_(std::move(of)) {}
  stream(stream&& other) noexcept = default;
  stream& operator=(stream&& other) noexcept {
    stream dying(std::move(*this));
    of_ = std::exchange(other.of_, nullptr);
    error_ = std::move(other.error_);
    cursor_ = std::move(other.cursor_);
    return *this;
  }
  ~stream() {
    if (of_) of_->take_back();
  }

  /// The next item, nothing at the end: `co_await lines.next()`, or `.next().get()`, which blocks.
  next_step next() noexcept { return next_step(*this); }
  /// What it ended with; nothing as long as it goes on, and when everything has come.
  const std::optional<weft::error>& error() const noexcept { return error_; }

  /// Of the last item that was taken, to go on behind it: `{.after = lines.cursor()}`. Null when it had none.
  const nlohmann::json& cursor() const noexcept { return cursor_; }

  /// A value into the generator, once it takes one: `co_await lines.send(v)`, or `.send(v).get()`. False
  /// when the stream has ended. A method that takes no values ends the stream with -32602, as soon as its
  /// first item has told so.
  template <class U = Sent>
    requires(!std::is_void_v<Sent> && std::is_constructible_v<Sent, U>)
  send_step send(U&& value) {
    return send_step(of_, detail::to_text(detail::write(Sent(std::forward<U>(value)))));
  }
  /// No further value will be sent.
  void end_input() { of_->end_input(); }
  /// Thrown where the generator is suspended, as a stream_error; it may catch it and go on.
  void raise(weft::error what) { of_->raise(std::move(what)); }

  /// For plain code: blocks for each item.
  iterator begin() { return iterator(*this); }
  std::default_sentinel_t end() const noexcept { return {}; }

 private:
  std::optional<T> take() {
    auto raw = of_->take();
    if (!raw) {
      if (!error_) error_ = of_->failure();
      return std::nullopt;
    }
    auto parsed = detail::parse(raw->value);
    if (!parsed) return fail(std::move(parsed.error()));
    std::expected<nlohmann::json, weft::error> cursor;
    if (!raw->cursor.empty()) cursor = detail::parse(raw->cursor);
    if (!cursor) return fail(std::move(cursor.error()));
    auto value = detail::read_item<T>(*parsed, *cursor);
    if (!value) return fail(std::move(value.error()));
    cursor_ = std::move(*cursor);
    return std::move(*value);
  }
  std::nullopt_t fail(weft::error with) {
    error_ = std::move(with);
    of_->finish(error_);
    of_->take_back();
    return std::nullopt;
  }

  std::shared_ptr<detail::stream_buffer> of_;
  std::optional<weft::error> error_;
  nlohmann::json cursor_;
};

template <class T, class Sent>
class [[nodiscard("a step does nothing until it is awaited")]] stream<T, Sent>::next_step {
 public:
  explicit next_step(stream& of) noexcept : of_(of) {}

  /// Blocks; not in a handler or another coroutine of weft.
  std::optional<T> get() {
    of_.of_->wait_readable();
    return of_.take();
  }

  bool await_ready() const { return of_.of_->readable(); }
  void await_suspend(std::coroutine_handle<> waiting) {
    resumption_.emplace(waiting);
    // The coroutine may be gone before this returns.
    const auto buffer = of_.of_;
    buffer->when_readable(resumption_->callback());
  }
  std::optional<T> await_resume() { return of_.take(); }

 private:
  stream& of_;
  std::optional<detail::resumption> resumption_;
};

template <class T, class Sent>
class [[nodiscard("a step does nothing until it is awaited")]] stream<T, Sent>::send_step {
 public:
  send_step(std::shared_ptr<detail::stream_buffer> of, std::string raw_value) noexcept
      : of_(std::move(of)), raw_value_(std::move(raw_value)) {}

  /// Blocks; not in a handler or another coroutine of weft.
  bool get() {
    of_->wait_writable();
    return of_->send(std::move(raw_value_));
  }

  bool await_ready() const { return of_->writable(); }
  void await_suspend(std::coroutine_handle<> waiting) {
    resumption_.emplace(waiting);
    const auto buffer = of_;
    buffer->when_writable(resumption_->callback());
  }
  bool await_resume() { return of_->send(std::move(raw_value_)); }

 private:
  std::shared_ptr<detail::stream_buffer> of_;
  std::string raw_value_;
  std::optional<detail::resumption> resumption_;
};

template <class T, class Sent>
class stream<T, Sent>::iterator {
 public:
  using value_type = T;
  using difference_type = std::ptrdiff_t;

  explicit iterator(stream& of) : of_(&of) { ++*this; }
  T& operator*() const noexcept { return *value_; }
  iterator& operator++() {
    value_ = of_->next().get();
    return *this;
  }
  void operator++(int) { ++*this; }
  friend bool operator==(const iterator& at, std::default_sentinel_t) noexcept { return !at.value_; }

 private:
  stream* of_;
  mutable std::optional<T> value_;
};

}  // namespace weft
