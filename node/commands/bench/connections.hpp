// Opens many connections at once, for load and for idling.
#pragma once

#include <cstddef>
#include <expected>
#include <string>
#include <vector>

#include "node/client/socket.hpp"
#include "node/commands/bench/options.hpp"

namespace weft::tools {

/// Raises the soft descriptor limit as far as it goes; the error says how many connections are possible.
std::expected<void, std::string> ensure_descriptors(std::size_t connections);

/// All of them, non-blocking, connected and introduced if there is a token, or the reason of the first
/// failure.
std::expected<std::vector<unique_fd>, std::string> open_connections(const bench_options& options,
                                                                    std::size_t count);

}  // namespace weft::tools
