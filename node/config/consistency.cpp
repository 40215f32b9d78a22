// Rules between options.
#include <algorithm>

#include <fmt/format.h>

#include "actors/transport/address.hpp"
#include "node/config/table.hpp"

namespace weft {

std::vector<std::string> check_together(const program_options& options,
                                        const std::function<std::string(std::string_view key)>& describe,
                                        const std::function<bool(std::string_view key)>& is_given) {
  std::vector<std::string> complaints;
  const auto at_most = [&](std::string_view smaller, std::string_view larger) {
    complaints.push_back(fmt::format("{} exceeds {}; it must not", describe(smaller), describe(larger)));
  };
  const limit_options& limits = options.node.limits;
  const peer_options& mesh = options.node.mesh;
  if (limits.output_soft_bytes > limits.output_hard_bytes)
    at_most("limits.output_soft_bytes", "limits.output_hard_bytes");
  if (limits.frame_bytes > limits.output_hard_bytes)
    at_most("limits.frame_bytes", "limits.output_hard_bytes");
  if (options.node.tracing.batch_spans > options.node.tracing.queue_spans)
    at_most("tracing.batch_spans", "tracing.queue_spans");
  if (mesh.reconnect_initial > mesh.reconnect_max) at_most("mesh.reconnect_initial", "mesh.reconnect_max");
  if (limits.queue_target > limits.queue_interval) at_most("limits.queue_target", "limits.queue_interval");
  if (options.node.protocol.default_deadline > options.node.protocol.max_deadline &&
      is_given("protocol.default_deadline"))
    at_most("protocol.default_deadline", "protocol.max_deadline");
  // The default is cut to what drain_timeout leaves of it.
  if (options.node.drain_handover > options.node.drain_timeout && is_given("drain_handover"))
    at_most("drain_handover", "drain_timeout");
  const balance_options& balance = options.node.balance;
  if (balance.ejection.base_time > balance.ejection.max_time)
    at_most("ejection.base_time", "ejection.max_time");
  if (balance.retry.backoff_initial > balance.retry.backoff_max)
    at_most("retry.backoff_initial", "retry.backoff_max");
  const auto is_own = [&](std::string_view peer) { return peer.starts_with(options.node.id + "="); };
  if (!options.node.id.empty() && std::ranges::any_of(mesh.peers, is_own))
    complaints.push_back(
        fmt::format("{} is also this node's own id; a peer has a name of its own", describe("peers")));
  return complaints;
}

}  // namespace weft
