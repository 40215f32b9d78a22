#include "actors/api/errors.hpp"

#include <utility>

#include <nlohmann/json.hpp>

namespace weft {
namespace {

/// Codes after which nothing was executed (docs/protocol.md, "Errors").
bool says_not_executed(std::int32_t code) {
  switch (static_cast<error_code>(code)) {
    case error_code::parse_error:
    case error_code::invalid_request:
    case error_code::method_not_found:
    case error_code::invalid_params:
      return true;
    default:
      return false;
  }
}

}  // namespace

error to_error(rpc_error from) {
  auto made = error::plain(from.code, std::move(from.message));
  made.data = std::move(from.data);
  made.executed = from.ran;
  if (!made.executed && says_not_executed(made.code)) made.executed = executed::no;
  if (from.retry_after_ms) made.retry_after = std::chrono::milliseconds(*from.retry_after_ms);
  return made;
}

rpc_error to_rpc_error(error from) {
  rpc_error made{from.code, std::move(from.message), std::move(from.data), from.executed};
  if (from.retry_after) made.retry_after_ms = from.retry_after->count();
  if (!made.data.empty() || (!from.executed && !from.retry_after)) return made;
  auto data = nlohmann::json::object();
  if (from.executed) data["executed"] = *from.executed == executed::no ? "no" : "unknown";
  if (from.retry_after) data["retry_after_ms"] = from.retry_after->count();
  made.data = data.dump();
  return made;
}

}  // namespace weft
