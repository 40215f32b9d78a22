// Streams that are read through the public interface, from any thread: a coroutine on a reactor brings what
// comes to a `stream_buffer`, which grants the callee what its reader has taken.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "actors/api/loop_gate.hpp"
#include "actors/service/handler_context.hpp"
#include "weft/detail/arguments.hpp"
#include "weft/detail/stream_buffer.hpp"

namespace weft {

struct outside_stream {
  remote::address to;
  std::string method;
  std::string raw_params;
  read_options options;
};

std::shared_ptr<detail::stream_buffer> open_stream(const std::shared_ptr<loop_gate>& gate,
                                                   std::size_t reactor_index, outside_stream what);

/// A stream that a method opens: it ends with the method's call. On the reactor of the context.
std::shared_ptr<detail::stream_buffer> open_stream(const std::shared_ptr<loop_gate>& gate,
                                                   const weft::handler_context& ctx, outside_stream what);

}  // namespace weft
