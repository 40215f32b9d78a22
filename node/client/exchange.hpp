// One question and its answer over a connection of a tool's own.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "node/client/client.hpp"

namespace weft::tools {

/// The raw id of every request that goes through `exchange`.
inline constexpr std::string_view exchange_id = "1";

struct answer {
  bool ok = false;
  /// The result or the error object, as the bytes it came as.
  std::string raw;
};

/// Sends a request with the id `exchange_id` and waits for its answer; what else comes meanwhile is refused.
std::expected<answer, client_error> exchange(client& connection, std::string_view request,
                                             steady_clock::time_point until);

/// The `connect` that presents a token. It asks for rare heartbeats, since a tool does not live long.
std::string connect_request(std::string_view token);

}  // namespace weft::tools
