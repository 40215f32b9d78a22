// Every number that the running parts of a node are governed by. The `node` layer fills this from its
// configuration table, where each member has its name, default, range and description; the defaults here
// serve library users.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "actors/config/balance_options.hpp"
#include "actors/config/limit_options.hpp"
#include "actors/config/types.hpp"

namespace weft {

struct protocol_options {
  bool require_version = true;
  milliseconds heartbeat_interval{15'000};
  milliseconds default_deadline{30'000};
  /// Deadlines further away are taken as this.
  milliseconds max_deadline{3'600'000};
  /// How long whoever works on a cancelled call may take to say so.
  milliseconds cancel_grace{500};
};

struct peer_options {
  /// Where other nodes are: NAME=HOST:PORT, or a place that lists them (actors/discovery/source.hpp).
  std::vector<std::string> peers;
  /// How often names are looked up, whatever their time to live, and listing files read.
  milliseconds dns_interval{5'000};
  milliseconds file_interval{1'000};
  /// Most addresses to dial that come from anything but NAME=HOST:PORT.
  std::size_t max_discovered_nodes = 1024;
  milliseconds connect_timeout{3'000};
  milliseconds reconnect_initial{100};
  milliseconds reconnect_max{10'000};
  /// A link that lasted so long makes the next attempts begin anew with `reconnect_initial`.
  milliseconds reconnect_reset{5'000};
};

/// How long a connection whose other side has vanished without a word may go unnoticed (tcp(7)).
struct tcp_options {
  /// Silence before the first probe; 0 sends none.
  milliseconds keepalive_idle{60'000};
  milliseconds keepalive_interval{10'000};
  std::size_t keepalive_probes = 3;
};

class access_policy;

struct auth_options {
  /// Who may serve and call what; none: everyone everything.
  std::shared_ptr<const access_policy> policy;
  /// What this node presents to the peers that it dials; empty for none.
  std::string peer_token;
  /// Wrong tokens after which a connection is cut.
  std::size_t max_failures = 5;
};

namespace tls {
class identity_files;
}

struct tls_options {
  /// This node's certificate and whom it trusts; null when it speaks no TLS.
  std::shared_ptr<tls::identity_files> identity;
  /// Of a certificate of another node: one of these SANs must be in it. Empty for any.
  std::vector<std::string> node_names;
  /// The certificate of a node that is dialled has the name that was dialled. Without it, one of `node_names`
  /// must do.
  bool check_peer_names = true;
};

/// Lines in the log for single calls.
struct call_log_options {
  /// "off", "errors" or "all".
  std::string which = "errors";
  /// On each reactor, so that a failing service does not flood the log; 0 is no limit.
  std::size_t lines_per_second = 10;
};

/// The defaults are those of OpenTelemetry's SDKs: parentbased_traceidratio, the batch span processor and the
/// OTLP exporter (https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/).
struct tracing_options {
  /// URL of an OTLP/HTTP collector; empty: no spans are made.
  std::string endpoint;
  /// Of the requests that bring no trace, those that begin one.
  double sample_ratio = 1.0;
  std::size_t queue_spans = 2'048;
  std::size_t batch_spans = 512;
  milliseconds export_interval{5'000};
  milliseconds request_timeout{10'000};
  /// For a batch with all attempts.
  milliseconds export_timeout{30'000};
};

struct reactor_options {
  /// How long a reactor that has nothing to do may look for events before it sleeps, where that pays
  /// (actors/runtime/idle_polling.hpp); 0 is never.
  microseconds poll_window{50};
  /// How long the messages of one connection may take before others have their turn; one that takes longer by
  /// itself is not cut off. Work that goes on in coroutines has twice as long in a turn, together.
  microseconds slice{500};
};

struct node_options {
  std::string id;
  /// At least one.
  std::vector<net_address> listen{{{"127.0.0.1", 7400}}};
  host_port admin{"127.0.0.1", 9464};
  /// Names by which the admin port may be called, separated by commas.
  std::string admin_allowed_hosts;
  std::size_t reactors = 0;
  reactor_options reactor;
  bool demo = false;
  milliseconds drain_timeout{10'000};
  /// A part of `drain_timeout`.
  milliseconds drain_handover{1'000};
  protocol_options protocol;
  tcp_options tcp;
  limit_options limits;
  peer_options mesh;
  balance_options balance;
  auth_options auth;
  tls_options tls;
  call_log_options calls_logged;
  tracing_options tracing;
};

}  // namespace weft
