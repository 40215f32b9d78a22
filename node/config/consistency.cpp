// Rules between options.
#include <algorithm>

#include <fmt/format.h>

#include "actors/transport/address.hpp"
#include "node/config/table.hpp"

namespace weft {

namespace {

using describing = std::function<std::string(std::string_view key)>;

void check_tls(const program_options& options, const describing& describe,
               const std::function<bool(std::string_view key)>& is_given,
               std::vector<std::string>& complaints) {
  const auto& files = options.tls;
  const bool listens = std::ranges::any_of(options.node.listen, &net_address::tls);
  if (listens && files.certificate.empty())
    complaints.push_back(fmt::format(
        "{} has an address of tls://, but no certificate is named; name its file with tls.cert and that of "
        "its key with tls.key (weft dev-certs DIR makes some for trying it out)",
        describe("listen")));
  if (!files.key.empty() && files.certificate.empty() && !listens)
    complaints.push_back(fmt::format("{} is the key of no certificate; name the certificate with tls.cert",
                                     describe("tls.key")));
  if (listens && !options.node.tls.node_names.empty() && files.client_auth == "off")
    complaints.push_back(fmt::format(
        "{} demands a certificate of other nodes, and tls.client_auth asks nobody for one; set it "
        "to optional or required",
        describe("tls.node_names")));
  if (!listens && files.client_auth != "off" && is_given("tls.client_auth"))
    complaints.push_back(
        fmt::format("{} asks nobody, since no address of listen is one of tls://; write "
                    "--listen tls://HOST:PORT",
                    describe("tls.client_auth")));
  if (files.check_peer_names == "no" && options.node.tls.node_names.empty())
    complaints.push_back(
        fmt::format("{} would let any certificate pass for any node; name those of nodes with tls.node_names",
                    describe("tls.check_peer_names")));
}

}  // namespace

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
  check_tls(options, describe, is_given, complaints);
  const auto is_own = [&](std::string_view peer) { return peer.starts_with(options.node.id + "="); };
  if (!options.node.id.empty() && std::ranges::any_of(mesh.peers, is_own))
    complaints.push_back(
        fmt::format("{} is also this node's own id; a peer has a name of its own", describe("peers")));
  return complaints;
}

}  // namespace weft
