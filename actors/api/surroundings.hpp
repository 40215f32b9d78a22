// What a call_context and a kept caller are made of: the way from a method to whoever runs it. A node is one
// such, the test kit another.
//
// Thread safety: surroundings belong to the executor that runs the method; a caller's handle may be used from
// any thread where its implementation says so.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "weft/call_context.hpp"

namespace weft {

namespace detail {

class call_surroundings {
 public:
  call_surroundings() = default;
  call_surroundings(const call_surroundings&) = delete;
  call_surroundings& operator=(const call_surroundings&) = delete;
  virtual ~call_surroundings() = default;

  virtual coro::cancel_scope scope() const = 0;
  /// A call of the peer of that name, or of whoever serves the method.
  virtual task<std::expected<std::string, error>> call(std::optional<std::string> peer, std::string method,
                                                       std::string raw_params,
                                                       call_options options) const = 0;
  /// Likewise, as a stream.
  virtual std::shared_ptr<stream_buffer> open_stream(std::optional<std::string> peer, std::string method,
                                                     std::string raw_params, read_options options) const = 0;
  /// Likewise, without an answer.
  virtual void notify(std::optional<std::string> peer, std::string method, std::string raw_params) const = 0;
  virtual std::shared_ptr<const caller::handle> caller_handle() const = 0;
  /// The same under another deadline and cancellation.
  virtual std::shared_ptr<const call_surroundings> under(coro::cancel_scope scope) const = 0;
  virtual const std::string& node() const noexcept = 0;
  virtual std::string traceparent() const = 0;
  /// The cursor that a stream is to go on behind, as JSON; empty for none.
  virtual std::string raw_after() const = 0;
};

}  // namespace detail

struct caller::handle {
  handle() = default;
  handle(const handle&) = delete;
  handle& operator=(const handle&) = delete;
  virtual ~handle() = default;

  virtual bool connected() const noexcept = 0;
  virtual void notify(std::string method, std::string raw_params) const = 0;
  virtual std::shared_ptr<detail::pending_state> start(std::string method, std::string raw_params,
                                                       call_options options) const = 0;
  virtual std::shared_ptr<detail::stream_buffer> open_stream(std::string method, std::string raw_params,
                                                             read_options options) const = 0;
  virtual bool same_as(const handle& other) const noexcept = 0;
};

}  // namespace weft
