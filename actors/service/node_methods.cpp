#include "actors/service/node_methods.hpp"

#include "proto/message.hpp"

namespace weft {

void add_node_methods(service_host& services, const std::string& node, const node_counters& counters,
                      const std::shared_ptr<const shared_document>& document) {
  std::string quoted_node;
  proto::append_quoted(quoted_node, node);
  // gRPC health checking v1: SERVING or NOT_SERVING.
  const auto health = [quoted_node, &counters](std::string_view,
                                               std::string& out) -> std::optional<rpc_error> {
    out += R"({"status":")";
    out += counters.draining.load(std::memory_order_relaxed) ? "NOT_SERVING" : "SERVING";
    out += R"(","node":)";
    out += quoted_node;
    out += '}';
    return std::nullopt;
  };
  services.add_builtin({.name = "mesh.health",
                        .handler = raw_handler(health),
                        .summary = "SERVING, or NOT_SERVING while the node drains",
                        .idempotent = true,
                        .result = {{"type", "object"}}});
  const auto discover = [document](std::string_view, std::string& out) -> std::optional<rpc_error> {
    out += *document->load();
    return std::nullopt;
  };
  services.add_builtin({.name = "rpc.discover",
                        .handler = raw_handler(discover),
                        .summary = "The OpenRPC document of everything reachable from here",
                        .idempotent = true,
                        .result = {{"type", "object"}}});
}

}  // namespace weft
