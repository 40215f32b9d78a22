// What a handler is told about its call, and how it calls others.
//
//     auto who = co_await ctx.peer("b").call("demo.whoami");
//     if (!who) co_return std::unexpected(who.error());
//
// A context is a cheap handle, passed by value. Calls made through it end no later than the call it belongs
// to and are cancelled with it, over every hop.
//
// Thread safety: none; it belongs to the router that runs the handler.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include <nlohmann/json.hpp>

#include "actors/coro/cancel_scope.hpp"
#include "actors/coro/task.hpp"
#include "actors/messages/result.hpp"

namespace weft {

class router;

/// W3C trace context as it came in the envelope, raw JSON strings.
struct trace_members {
  std::string raw_traceparent;
  std::string raw_tracestate;
};

class handler_context;

/// Someone who can be called: a peer node, the connection a request came from, or whoever serves the method.
class remote {
 public:
  struct peer_name {
    std::string name;
  };
  struct anyone {};
  using address = std::variant<anyone, peer_name, connection_key>;

  remote(std::shared_ptr<const handler_context> caller, address to)
      : caller_(std::move(caller)), to_(std::move(to)) {}

  /// Calls and waits for the answer, at most until the context's deadline or for `timeout`, whichever is
  /// sooner.
  coro::task<json_result> call(std::string method, const nlohmann::json& params = {},
                               std::optional<std::chrono::milliseconds> timeout = {}) const;
  /// The same with params and result as raw JSON.
  coro::task<raw_result> call_raw(std::string method, std::string raw_params,
                                  std::optional<std::chrono::milliseconds> timeout = {}) const;

 private:
  std::shared_ptr<const handler_context> caller_;
  address to_;
};

/// What a caller is told whose context was cancelled while it waited.
rpc_error cancelled_error(coro::cancel_reason why, const std::string& node);

class handler_context : public coro::cancel_scope {
 public:
  handler_context(coro::cancel_scope base, router& home, connection_key caller,
                  std::shared_ptr<const trace_members> trace)
      : coro::cancel_scope(std::move(base)), home_(&home), caller_(caller), trace_(std::move(trace)) {}

  /// The configured peer of that name. A call to an unknown one returns UNAVAILABLE and names those that
  /// exist.
  remote peer(std::string name) const { return {shared(), remote::peer_name{std::move(name)}}; }
  /// The connection that the request came from: calls go both ways.
  remote caller() const { return {shared(), caller_}; }
  /// Whoever serves the method, here or on another node.
  remote mesh() const { return {shared(), remote::anyone{}}; }

  /// The same surroundings under another deadline and cancellation.
  handler_context with(coro::cancel_scope base) const { return {std::move(base), *home_, caller_, trace_}; }

  /// The same with its calls in another place of the trace.
  handler_context with(coro::cancel_scope base, std::shared_ptr<const trace_members> trace) const {
    return {std::move(base), *home_, caller_, std::move(trace)};
  }

  /// The same, for calls that say by what they are to be balanced (`route_key`, raw JSON).
  handler_context keyed(std::string raw_route_key) const {
    auto same = *this;
    same.route_key_ = std::make_shared<const std::string>(std::move(raw_route_key));
    return same;
  }

  const std::string& node() const noexcept;
  std::string_view raw_traceparent() const noexcept {
    return trace_ ? std::string_view(trace_->raw_traceparent) : std::string_view();
  }
  std::string_view raw_tracestate() const noexcept {
    return trace_ ? std::string_view(trace_->raw_tracestate) : std::string_view();
  }
  std::string_view raw_route_key() const noexcept {
    return route_key_ ? std::string_view(*route_key_) : std::string_view();
  }
  const std::shared_ptr<const trace_members>& trace() const noexcept { return trace_; }
  connection_key caller_key() const noexcept { return caller_; }
  /// For the parts of the library that start calls.
  router& home() const noexcept { return *home_; }

 private:
  std::shared_ptr<const handler_context> shared() const {
    return std::make_shared<const handler_context>(*this);
  }

  router* home_;
  connection_key caller_;
  std::shared_ptr<const trace_members> trace_;
  std::shared_ptr<const std::string> route_key_;
};

}  // namespace weft
