// The way of `weft call --stream` from its request to its end.
#pragma once

#include <iosfwd>
#include <string_view>

#include "node/client/client.hpp"
#include "node/commands/call.hpp"

namespace weft::tools {

/// Sends `request`, whose id is `exchange_id` and which grants `options.credit` items, and prints the items
/// to the descriptor `output`, one a line, granting more as they are written. The final answer's error, or
/// the sentence of a failure, goes to `errors`. SIGINT, SIGTERM and an output that nobody reads cancel the
/// call. The result is that of `run_call`, or 128 + the signal; SIGPIPE stands for an output that nobody
/// reads.
int print_stream(const call_options& options, client& connection, std::string_view request,
                 steady_clock::time_point until, int output, std::ostream& errors);

}  // namespace weft::tools
