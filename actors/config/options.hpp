// Every number that the running parts of a node are governed by. The `node` layer fills this from its
// configuration table, where each member has its name, default, range and description; the defaults here
// serve library users.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace weft {

using std::chrono::microseconds;
using std::chrono::milliseconds;

struct host_port {
  std::string host;
  std::uint16_t port = 0;
  friend bool operator==(const host_port&, const host_port&) = default;
};

/// "users.*=consistent_hash": a setting for the methods that a pattern covers.
struct method_rule {
  std::string pattern;
  std::string value;
  friend bool operator==(const method_rule&, const method_rule&) = default;
};

struct protocol_options {
  bool require_version = true;
  milliseconds heartbeat_interval{15'000};
  milliseconds default_deadline{30'000};
  /// Deadlines further away are taken as this.
  milliseconds max_deadline{3'600'000};
  /// How long whoever works on a cancelled call may take to say so.
  milliseconds cancel_grace{500};
};

struct limit_options {
  std::size_t frame_bytes = 1 << 20;
  std::size_t depth = 64;
  std::size_t batch_size = 100;
  /// 0: half of RLIMIT_NOFILE.
  std::size_t connections = 0;
  std::size_t in_flight_per_connection = 1024;
  std::size_t method_name_bytes = 256;
  std::size_t served_methods_per_connection = 1024;
  /// Pending output from which a connection is no longer read, and calls to it are refused.
  std::size_t output_soft_bytes = 1 << 20;
  /// Pending output at which a connection is cut.
  std::size_t output_hard_bytes = 64 << 20;
  /// Cut when pending output makes no progress for so long.
  milliseconds write_deadline{10'000};
  /// A frame must be complete so long after its first byte.
  milliseconds frame_timeout{10'000};
  /// A connection that never introduced itself and says nothing for so long is closed; 0 is never.
  milliseconds idle_timeout{0};
  std::size_t blocking_calls = 256;
  std::size_t blocking_threads = 4;
  /// Calls under way on one reactor, in both directions.
  std::size_t calls_per_reactor = 65'536;
  /// What one reactor keeps of requests: as text, so that they can wait or be sent again, and as values, for
  /// handlers.
  std::size_t held_request_bytes = 128 << 20;
  /// Of frames that one reactor has read but that are not complete yet.
  std::size_t unfinished_frame_bytes = 64 << 20;
  /// The largest part of a limit of a reactor or of the node that one connection or identity may take.
  std::size_t share_percent = 25;
  /// The JSON schema of one method's params or result, as text.
  std::size_t schema_bytes = 16 << 10;
  /// Of all methods that this node knows of; a connection or node link may bring its share.
  std::size_t schema_total_bytes = 16 << 20;
  /// Series of calls, by method and outcome, that one reactor counts, and how long those of a method stay
  /// that nobody serves any more.
  std::size_t call_series = 4'096;
  milliseconds call_series_retention{300'000};
  /// Methods that this node knows of, its own services' and other nodes'; a node link may bring its share.
  std::size_t routes = 65'536;
  /// Values are calls under way of all the methods a rule covers, on this node.
  std::vector<method_rule> method_in_flight;
  /// Calls of one method pattern that wait on one reactor for room; 0 refuses at once.
  std::size_t queue_length = 256;
  /// How long a call waits for room, and how long once the queue has not been empty for that time.
  milliseconds queue_interval{100};
  milliseconds queue_target{5};
};

/// A frame that a client may send is never too large for a link to another node, which adds an id of its own,
/// a deadline and a trace.
constexpr std::size_t link_frame_bytes(const limit_options& limits) noexcept {
  constexpr std::size_t added = 4096;
  return limits.frame_bytes + added;
}

/// Part of `limit` that one of them may take, but never less than `least` of it.
constexpr std::size_t share_of(std::size_t limit, std::size_t percent, std::size_t least) noexcept {
  return std::min(limit, std::max(limit / 100 * percent + limit % 100 * percent / 100, least));
}

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

struct ejection_options {
  std::size_t consecutive_failures = 5;
  /// Of the calls of one second, once there are enough to judge by.
  std::size_t failure_percent = 20;
  std::size_t minimum_calls = 10;
  milliseconds base_time{1'000};
  milliseconds max_time{60'000};
  /// With fewer than this share of a method's instances left, ejections are ignored.
  std::size_t panic_percent = 50;
};

struct retry_options {
  /// Including the first.
  std::size_t attempts = 3;
  milliseconds backoff_initial{5};
  milliseconds backoff_max{250};
  /// Retries per hundred calls, and how many a second are always allowed.
  std::size_t budget_percent = 20;
  std::size_t budget_floor_per_second = 10;
};

struct hedge_options {
  /// Values are percentiles of the latency after which a second attempt starts.
  std::vector<method_rule> rules;
  milliseconds minimum_delay{1};
};

struct balance_options {
  std::vector<method_rule> rules;
  hedge_options hedge;
  ejection_options ejection;
  retry_options retry;
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
};

struct node_options {
  std::string id;
  host_port listen{"127.0.0.1", 7400};
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
  call_log_options calls_logged;
  tracing_options tracing;
};

}  // namespace weft
