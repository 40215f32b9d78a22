#include "proto/error.hpp"

#include <algorithm>
#include <utility>

#include "proto/message.hpp"

namespace weft {
namespace {

constexpr std::pair<std::int32_t, std::string_view> names[] = {
#define WEFT_ERROR(enumerator, number, name, when) {number, name},
#include "proto/errors.inc"
#undef WEFT_ERROR
};

const auto* find_name(std::int32_t code) noexcept {
  const auto* const found = std::ranges::find(names, code, &std::pair<std::int32_t, std::string_view>::first);
  return found == std::end(names) ? nullptr : found;
}

}  // namespace

std::string_view code_name(std::int32_t code) noexcept {
  const auto* const found = find_name(code);
  return found == nullptr ? "OTHER" : found->second;
}

bool is_mesh_error(std::int32_t code) noexcept {
  return code > 0 && find_name(code) != nullptr;
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
