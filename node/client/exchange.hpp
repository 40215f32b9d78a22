// One question and its answer over a connection of a tool's own.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "node/client/client.hpp"
#include "proto/envelope.hpp"

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

/// What one message says to whoever has called with the id `exchange_id`: the answer, or nothing. A request
/// is refused, since a tool serves no methods. `message` is what was read, with views into `payload`.
std::expected<std::optional<answer>, client_error> read_message(client& connection, std::string_view payload,
                                                                proto::envelope& message,
                                                                steady_clock::time_point until);

/// The `connect` that presents a token. It asks for rare heartbeats, since a tool does not live long.
std::string connect_request(std::string_view token);

}  // namespace weft::tools
