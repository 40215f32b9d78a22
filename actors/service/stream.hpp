// Methods that stream: what a generator handler is given, and what it yields.
//
//     weft::item_generator count(weft::handler_context ctx, weft::stream_call call) {
//       for (int i = 0; i < 10; ++i) co_yield weft::stream_item{std::to_string(i)};
//     }
//     services.add({.name = "demo.count", .handler = weft::stream_handler{count}});
//
// The caller drives it: the body goes on behind a co_yield when its item has left and another one may. When
// the caller takes the stream back, or is gone, the context is cancelled and generator_exit raised at the
// co_yield, so destructors run. What the caller throws is raised there as stream_raised.
//
// Thread safety: a generator runs on the reactor of its caller's connection, as every coroutine handler.
#pragma once

#include <functional>
#include <stdexcept>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "actors/coro/async_generator.hpp"
#include "actors/service/handler_context.hpp"
#include "proto/error.hpp"

namespace weft {

/// One item, as JSON. With a cursor, a resumable stream can go on behind it.
struct stream_item {
  std::string raw_value;
  std::string raw_cursor{};
};

/// A handler that takes input gets what the caller sends from its co_yield, as JSON, and nothing once the
/// caller has ended its side.
using item_generator = coro::async_generator<stream_item, std::string>;

struct stream_call {
  nlohmann::json params;
  /// Go on behind this cursor; empty to begin.
  std::string raw_after{};
};

struct stream_handler {
  std::function<item_generator(handler_context ctx, stream_call call)> run;
  /// Each step waits for a value from the caller.
  bool takes_input = false;
  bool resumable = false;
  /// JSON schemas for `rpc.discover`.
  nlohmann::json item = nlohmann::json::object();
  nlohmann::json input = nullptr;
};

/// What the caller has thrown into the generator; uncaught, it is the stream's answer.
class stream_raised final : public std::runtime_error {
 public:
  explicit stream_raised(rpc_error what) : std::runtime_error(what.message), error(std::move(what)) {}
  rpc_error error;
};

}  // namespace weft
