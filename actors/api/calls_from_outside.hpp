// Calls that are made from any thread: each is a coroutine on a reactor, which brings its answer to a
// `pending_state`.
#pragma once

#include <memory>
#include <string>

#include "actors/api/loop_gate.hpp"
#include "actors/api/surroundings.hpp"
#include "actors/service/handler_context.hpp"
#include "weft/detail/arguments.hpp"
#include "weft/detail/pending_state.hpp"

namespace weft {

struct outside_call {
  remote::address to;
  std::string method;
  std::string raw_params;
  call_options options;
};

std::shared_ptr<detail::pending_state> start_call(const std::shared_ptr<loop_gate>& gate,
                                                  std::size_t reactor_index, outside_call what);

/// The context that a call's options ask for.
weft::handler_context with_options(weft::handler_context ctx, const call_options& options);

/// The surroundings of a call that a node runs; `raw_after` is the cursor that a stream goes on behind.
std::shared_ptr<const detail::call_surroundings> surroundings_of(weft::handler_context ctx,
                                                                 std::shared_ptr<loop_gate> gate,
                                                                 std::string raw_after = {});

/// Runs a task in the router's scope; a failure is logged and counted.
coro::task<void> guarded(router* home, coro::task<void> work);

}  // namespace weft
