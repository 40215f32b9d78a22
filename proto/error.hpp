// Error codes of JSON-RPC 2.0 and of the mesh, and the error value that calls return.
//
// Codes -32768..-32000 belong to the JSON-RPC specification; the mesh's own codes are the canonical gRPC
// status numbers (https://grpc.github.io/grpc/core/md_doc_statuscodes.html), which lie outside that range.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weft {

enum class error_code : std::int32_t {
#define WEFT_ERROR(enumerator, number, name, when) enumerator = (number),
#include "proto/errors.inc"
#undef WEFT_ERROR
};

/// One of the mesh's own codes, which say in `data` whether the method ran.
bool is_mesh_error(std::int32_t code) noexcept;

/// Did the handler run? Tells a caller whether a retry of a non-idempotent call is safe.
enum class executed : std::uint8_t { no, unknown };

/// A call's error answer. `data` is raw JSON, empty when the answer has none.
struct rpc_error {
  std::int32_t code = 0;
  std::string message;
  std::string data;
  /// What `data` says of these two, for errors of the mesh.
  std::optional<executed> ran{};
  std::optional<std::int64_t> retry_after_ms{};

  friend bool operator==(const rpc_error&, const rpc_error&) = default;
};

/// The field's name for a code ("UNAVAILABLE", "METHOD_NOT_FOUND", …); "OTHER" for a service's own codes.
std::string_view code_name(std::int32_t code) noexcept;

/// A JSON-RPC error without `data`.
rpc_error make_error(error_code code, std::string message);

/// A mesh error with the `data` that every mesh error carries. `retry_after_ms` < 0 leaves that member out.
rpc_error make_mesh_error(error_code code, std::string message, executed ran, std::string_view node,
                          std::int64_t retry_after_ms = -1);

}  // namespace weft
