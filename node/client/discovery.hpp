// What `rpc.discover` tells of the methods that a node reaches, for a tool that can say more with it.
//
// Ownership: a list owns its document. Thread safety: none. Errors: whoever does not tell, because it may not
// or is no node, is no failure; a connection that breaks meanwhile is.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "node/client/client.hpp"

namespace weft::tools {

class discovered_methods {
 public:
  /// The `methods` of an OpenRPC document.
  explicit discovered_methods(nlohmann::json methods) : methods_(std::move(methods)) {}

  /// The method of this name, or the longest `prefix.*` that stands for it; null when there is neither.
  const nlohmann::json* find(std::string_view name) const;
  /// Of single methods only.
  std::vector<std::string> names() const;

 private:
  nlohmann::json methods_;
};

/// Asks while no call is under way on the connection. Nothing when the answer is an error or no such
/// document.
std::expected<std::optional<discovered_methods>, client_error> discover(client& connection,
                                                                        steady_clock::time_point until);

/// Whether the method streams, and can go on behind a cursor.
bool is_resumable(const nlohmann::json& method);

}  // namespace weft::tools
