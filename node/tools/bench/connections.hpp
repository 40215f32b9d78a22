// Opens many connections at once, for load and for idling.
#pragma once

#include <cstddef>
#include <expected>
#include <string>
#include <vector>

#include "node/tools/socket.hpp"

namespace weft::tools {

/// Raises the soft descriptor limit as far as it goes; the error says how many connections are possible.
std::expected<void, std::string> ensure_descriptors(std::size_t connections);

/// All of them, non-blocking and connected, or the reason of the first failure. `source` may be empty.
std::expected<std::vector<unique_fd>, std::string> open_connections(const host_port& address,
                                                                    std::size_t count,
                                                                    const std::string& source);

}  // namespace weft::tools
