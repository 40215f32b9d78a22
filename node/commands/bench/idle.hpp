// Holds many connections open without a word, or after a `connect`, to see what an idle connection costs a
// node.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <string>

#include "node/commands/bench/options.hpp"

namespace weft::tools {

struct idle_result {
  std::chrono::nanoseconds connect_time{};
  std::chrono::nanoseconds held{};
  std::size_t opened = 0;
  /// Connections whose `connect` was answered with a result.
  std::size_t introduced = 0;
  std::size_t still_open = 0;
  /// Sent by the node without being asked.
  std::uint64_t received_bytes = 0;
};

/// Opens `options.idle` connections, introduces them if asked to, calls `on_open`, holds them for
/// `options.duration`. The error says why that could not be done.
std::expected<idle_result, std::string> hold_connections(
    const bench_options& options, const std::function<void(const idle_result&)>& on_open);

}  // namespace weft::tools
