// The caller's end of a stream in this process.
//
//     auto lines = ctx.mesh().stream("log.tail", {{"file", "a"}});
//     for (;;) {
//       auto line = co_await lines.next();
//       if (!line) co_return std::unexpected(line.error());
//       if (!*line) break;                                  // the end
//       use(**line);
//     }
//
// It grants the callee items as they are taken. Ownership: belongs to the coroutine that reads; dropping it
// takes the stream back. Thread safety: none; belongs to the router of its context.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "actors/messages/result.hpp"
#include "actors/service/context.hpp"

namespace weft {

struct stream_options {
  /// Items that may be on their way.
  std::int64_t window = 64;
  /// Go on behind this cursor, of a resumable method.
  std::string raw_after{};
};

class stream_reader {
 public:
  /// Starts the stream. The context's deadline holds for all of it.
  stream_reader(context ctx, const remote::address& to, const std::string& method,
                const std::string& raw_params, const stream_options& options = {});
  stream_reader(stream_reader&&) noexcept;
  stream_reader& operator=(stream_reader&&) noexcept;
  ~stream_reader();

  /// The next item as JSON; nothing at the end of the stream, and what went wrong if it failed. One at a
  /// time.
  coro::task<std::expected<std::optional<std::string>, rpc_error>> next();
  /// A value into the generator; false when the callee has not granted one.
  bool send(std::string_view raw_value);
  /// Raised where the generator is suspended.
  void raise(const rpc_error& error);
  /// No further value will be sent.
  void end();

 private:
  class end_point;
  static coro::task<std::expected<std::optional<std::string>, rpc_error>> take(end_point* of);

  std::unique_ptr<end_point> end_;
};

}  // namespace weft
