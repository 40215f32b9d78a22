#include "proto/error.hpp"

#include <utility>

#include "proto/message.hpp"

namespace weft {

std::string_view code_name(std::int32_t code) noexcept {
  switch (static_cast<error_code>(code)) {
    case error_code::parse_error:
      return "PARSE_ERROR";
    case error_code::invalid_request:
      return "INVALID_REQUEST";
    case error_code::method_not_found:
      return "METHOD_NOT_FOUND";
    case error_code::invalid_params:
      return "INVALID_PARAMS";
    case error_code::internal_error:
      return "INTERNAL_ERROR";
    case error_code::request_cancelled:
      return "REQUEST_CANCELLED";
    case error_code::deadline_exceeded:
      return "DEADLINE_EXCEEDED";
    case error_code::permission_denied:
      return "PERMISSION_DENIED";
    case error_code::resource_exhausted:
      return "RESOURCE_EXHAUSTED";
    case error_code::unavailable:
      return "UNAVAILABLE";
    case error_code::unauthenticated:
      return "UNAUTHENTICATED";
  }
  return "OTHER";
}

rpc_error make_error(error_code code, std::string message) {
  return {static_cast<std::int32_t>(code), std::move(message), {}};
}

rpc_error make_mesh_error(error_code code, std::string message, executed ran, std::string_view node,
                          std::int64_t retry_after_ms) {
  std::string data = R"({"executed":)";
  data += ran == executed::no ? R"("no")" : R"("unknown")";
  data += R"(,"node":)";
  proto::append_quoted(data, node);
  if (retry_after_ms >= 0) data += R"(,"retry_after_ms":)" + std::to_string(retry_after_ms);
  data += '}';
  rpc_error error{static_cast<std::int32_t>(code), std::move(message), std::move(data), ran};
  if (retry_after_ms >= 0) error.retry_after_ms = retry_after_ms;
  return error;
}

}  // namespace weft
