// The callee's end of a stream in this process: steps a generator as far as its caller lets it, and hands on
// what it yields.
#pragma once

#include <expected>

#include <nlohmann/json.hpp>

#include "actors/coro/task.hpp"
#include "actors/router/streams.hpp"
#include "actors/service/stream.hpp"

namespace weft {

/// What the stream comes to. The parts outlive the frame.
coro::task<std::expected<nlohmann::json, rpc_error>> drive_stream(router_site* site, calls* book,
                                                                  streams* flows, call_key key,
                                                                  item_generator items,
                                                                  coro::cancel_scope scope, bool takes_input);

}  // namespace weft
