// What calls come to.
#pragma once

#include <expected>
#include <string>

#include <nlohmann/json.hpp>

#include "actors/coro/completion.hpp"
#include "actors/messages/keys.hpp"
#include "proto/error.hpp"

namespace weft {

/// What a call comes to.
using json_result = std::expected<nlohmann::json, rpc_error>;

/// The raw result, or the error. What a coroutine waits for.
using raw_result = std::expected<std::string, rpc_error>;
using outbound_slot = coro::completion<raw_result>;

}  // namespace weft
