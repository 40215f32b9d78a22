// What a method is told about its call, and how it calls others.
//
//     weft::task<weft::result<order>> create(weft::call_context ctx, std::string key) {
//       auto user = co_await ctx.within(2s).mesh().call<user>("users.get", key);
//
// A context is a cheap handle, passed by value. Calls made through it end no later than the call it belongs
// to and are cancelled with it, over every hop.
//
// Thread safety: a context belongs to the reactor that runs its method; a caller that is kept may be used
// from any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "weft/coro.hpp"
#include "weft/detail/arguments.hpp"
#include "weft/error.hpp"
#include "weft/pending.hpp"
#include "weft/stream.hpp"

namespace weft {

class call_context;

namespace detail {
class call_surroundings;
error wrong_cursor(const mismatch& what);
}  // namespace detail

/// Somebody whom a method can call, for as long as its own call lasts.
class callee : public detail::call_operators<callee>, public detail::stream_operators<callee> {
 public:
  /// The answer as raw JSON, without conversions.
  task<std::expected<std::string, error>> call_raw(std::string method, std::string raw_params,
                                                   call_options options = {}) const;

  /// Sends a notification, to one of those who serve the method. Nobody hears how it went, and nothing
  /// happens when nobody can take it now.
  template <class... Args>
  void notify(std::string method, const Args&... args) const {
    notify_raw(std::move(method), detail::encode(args...));
  }
  void notify_raw(std::string method, std::string raw_params) const;

 private:
  friend call_context;
  friend detail::call_operators<callee>;
  friend detail::stream_operators<callee>;
  enum class kind : std::uint8_t { mesh, peer };
  callee(std::shared_ptr<const detail::call_surroundings> by, kind whom, std::string peer) noexcept
      : by_(std::move(by)), whom_(whom), peer_(std::move(peer)) {}

  template <class T>
  task<result<T>> begin(std::string method, std::string raw_params, call_options options) const {
    return typed<T>(call_raw(std::move(method), std::move(raw_params), std::move(options)));
  }
  template <class T>
  static task<result<T>> typed(task<std::expected<std::string, error>> raw) {
    co_return detail::decode<T>(co_await std::move(raw));
  }

  template <class T, class Sent>
  weft::stream<T, Sent> begin_stream(std::string method, std::string raw_params, read_options options) const {
    return weft::stream<T, Sent>(open_stream(std::move(method), std::move(raw_params), std::move(options)));
  }
  std::shared_ptr<detail::stream_buffer> open_stream(std::string method, std::string raw_params,
                                                     read_options options) const;

  std::shared_ptr<const detail::call_surroundings> by_;
  kind whom_;
  std::string peer_;
};

/// The connection that a call came over. It may be kept longer than the call, and knows when the connection
/// has ended. Of a call that another node has sent on, it is the connection to that node.
class caller : public detail::call_operators<caller>, public detail::stream_operators<caller> {
 public:
  bool connected() const noexcept;
  /// Sends a notification. Nothing happens when the connection is gone, or takes nothing now.
  template <class... Args>
  void notify(std::string method, const Args&... args) const {
    notify_raw(std::move(method), detail::encode(args...));
  }
  void notify_raw(std::string method, std::string raw_params) const;

  /// Equal when it is the same connection.
  friend bool operator==(const caller& a, const caller& b) noexcept { return a.same_as(b); }

  struct handle;
  explicit caller(std::shared_ptr<const handle> to) noexcept : to_(std::move(to)) {}

 private:
  friend detail::call_operators<caller>;
  friend detail::stream_operators<caller>;
  template <class T>
  pending<T> begin(std::string method, std::string raw_params, call_options options) const {
    return pending<T>(start_raw(std::move(method), std::move(raw_params), std::move(options)));
  }
  std::shared_ptr<detail::pending_state> start_raw(std::string method, std::string raw_params,
                                                   call_options options) const;
  template <class T, class Sent>
  weft::stream<T, Sent> begin_stream(std::string method, std::string raw_params, read_options options) const {
    return weft::stream<T, Sent>(open_stream(std::move(method), std::move(raw_params), std::move(options)));
  }
  std::shared_ptr<detail::stream_buffer> open_stream(std::string method, std::string raw_params,
                                                     read_options options) const;
  bool same_as(const caller& other) const noexcept;

  std::shared_ptr<const handle> to_;
};

class call_context {
 public:
  /// For the parts of weft that run methods.
  explicit call_context(std::shared_ptr<const detail::call_surroundings> of) noexcept : of_(std::move(of)) {}

  /// Whoever serves the method, here or on another node.
  callee mesh() const;
  /// The peer of that name in this node's configuration.
  callee peer(std::string name) const;
  class caller caller() const;

  /// The same, for calls that together take no longer than that.
  call_context within(std::chrono::milliseconds time) const;

  coro::clock::time_point deadline() const noexcept;
  std::chrono::milliseconds time_left() const noexcept;
  bool cancelled() const noexcept;
  /// The id of the node that runs the method.
  const std::string& node() const noexcept;
  /// The trace that the call belongs to; empty for none.
  std::string traceparent() const;

  /// In a resumable stream: the cursor to go on behind, nothing at its beginning. One that is no `Cursor` is
  /// thrown as the stream's answer, -32602.
  template <class Cursor>
  std::optional<Cursor> after() const {
    const auto raw = raw_after();
    if (raw.empty()) return std::nullopt;
    auto parsed = detail::parse(raw);
    if (!parsed) throw stream_error(std::move(parsed.error()));
    auto cursor = detail::read<Cursor>(*parsed);
    if (!cursor) throw stream_error(detail::wrong_cursor(cursor.error()));
    return std::move(*cursor);
  }

  /// For what waits: `co_await weft::sleep_for(ctx, 10ms)`.
  operator coro::cancel_scope() const;

 private:
  std::string raw_after() const;

  std::shared_ptr<const detail::call_surroundings> of_;
};

}  // namespace weft
