#include "node/config/table.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "actors/address.hpp"
#include "actors/balance/policy.hpp"
#include "actors/method_rules.hpp"
#include "node/call_log.hpp"
#include "node/tracing/http_client.hpp"

namespace weft {
namespace {

// The member as a function: a pointer to a member cannot reach through nested structures.
#define WEFT_MEMBER(path) (+[](program_options& options) -> auto& { return options.path; })

constexpr std::uint64_t kib = 1 << 10;
constexpr std::uint64_t gib = 1 << 30;
constexpr std::uint64_t second = 1'000;
constexpr std::uint64_t hour = 3'600 * second;

/// An empty id asks for a generated one.
std::string check_id(std::string_view id) {
  return id.empty() ? "" : check_node_name(id);
}

std::string check_policy(std::string_view value) {
  if (parse_balance_policy(value)) return {};
  return fmt::format("no policy is called \"{}\"; use p2c, round_robin or consistent_hash", value);
}

std::string check_calls(std::string_view value) {
  if (parse_rule_number(value, 1, 1'000'000)) return {};
  return fmt::format("\"{}\" is no number of calls; use 1 to 1000000", value);
}

std::string check_percentile(std::string_view value) {
  if (parse_rule_number(value, 50, 99)) return {};
  return fmt::format("\"{}\" is no percentile; use 50 to 99", value);
}

using enum option_type;

const option rows[] = {
    {.key = "id",
     .type = text,
     .member = WEFT_MEMBER(node.id),
     .help = "Name of this node in the mesh; empty: the host name and a random suffix",
     .check = check_id},
    {.key = "listen",
     .type = address,
     .member = WEFT_MEMBER(node.listen),
     .help = "Where clients, services and other nodes connect; port 0 lets the system choose"},
    {.key = "admin",
     .type = address,
     .member = WEFT_MEMBER(node.admin),
     .help = "Where the admin HTTP server listens (IPv4); port 0 lets the system choose"},
    {.key = "peers",
     .type = peers,
     .member = WEFT_MEMBER(node.mesh.peers),
     .help = "Other nodes of the mesh: one by its address, all addresses of a DNS name, or those that a file "
             "lists; "
             "the flag is repeated, the variable takes a comma-separated list",
     .flag = "--peer"},
    {.key = "reactors",
     .type = count,
     .member = WEFT_MEMBER(node.reactors),
     .help = "Threads that serve connections; 0: one per core",
     .min = 0,
     .max = 1024},
    {.key = "demo",
     .type = boolean,
     .member = WEFT_MEMBER(node.demo),
     .help = "Serve the demonstration methods foo and demo.*"},
    {.key = "drain_timeout",
     .type = duration,
     .member = WEFT_MEMBER(node.drain_timeout),
     .help = "How long calls in flight may take to finish after SIGTERM or SIGINT",
     .min = 0,
     .max = hour},

    {.key = "log.level",
     .type = choice,
     .member = WEFT_MEMBER(log.level),
     .help = "Least severe level that is logged; can be changed at run time through the admin server",
     .choices = log_level_names},
    {.key = "log.format",
     .type = choice,
     .member = WEFT_MEMBER(log.format),
     .help = "How lines on standard error are written",
     .choices = log_format_names},
    {.key = "log.calls",
     .type = choice,
     .member = WEFT_MEMBER(node.calls_logged.which),
     .help = "Calls that get a line in the log: those that failed, every one, or none",
     .choices = call_log_names},
    {.key = "log.calls_per_second",
     .type = count,
     .member = WEFT_MEMBER(node.calls_logged.lines_per_second),
     .help = "Most such lines a second and reactor, the others are counted; 0: no limit",
     .min = 0,
     .max = 1'000'000},

    {.key = "protocol.require_version",
     .type = boolean,
     .member = WEFT_MEMBER(node.protocol.require_version),
     .help = "Refuse messages without \"jsonrpc\": \"2.0\""},
    {.key = "protocol.heartbeat_interval",
     .type = duration,
     .member = WEFT_MEMBER(node.protocol.heartbeat_interval),
     .help = "Heartbeats of introduced connections; silence for three intervals ends one",
     .min = 10,
     .max = hour},
    {.key = "protocol.default_deadline",
     .type = duration,
     .member = WEFT_MEMBER(node.protocol.default_deadline),
     .help = "Deadline of a call that brings none",
     .min = 1,
     .max = 24 * hour},

    {.key = "limits.frame_bytes",
     .type = size,
     .member = WEFT_MEMBER(node.limits.frame_bytes),
     .help = "Largest frame that is accepted",
     .min = 64,
     .max = gib},
    {.key = "limits.depth",
     .type = count,
     .member = WEFT_MEMBER(node.limits.depth),
     .help = "Deepest nesting of arrays and objects in a message",
     .min = 2,
     .max = 1024},
    {.key = "limits.batch_size",
     .type = count,
     .member = WEFT_MEMBER(node.limits.batch_size),
     .help = "Most messages in a batch",
     .min = 1,
     .max = 100'000},
    {.key = "limits.connections",
     .type = count,
     .member = WEFT_MEMBER(node.limits.connections),
     .help =
         "Most open connections; 0: half of the descriptors the process may open. 64 descriptors are always "
         "kept back, so that the admin server answers when connections use up the rest",
     .min = 0,
     .max = 10'000'000},
    {.key = "limits.in_flight_per_connection",
     .type = count,
     .member = WEFT_MEMBER(node.limits.in_flight_per_connection),
     .help = "Most unanswered calls of one connection",
     .min = 1,
     .max = 1'000'000},
    {.key = "limits.method_name_bytes",
     .type = size,
     .member = WEFT_MEMBER(node.limits.method_name_bytes),
     .help = "Longest method name",
     .min = 1,
     .max = 64 * kib},
    {.key = "limits.served_methods_per_connection",
     .type = count,
     .member = WEFT_MEMBER(node.limits.served_methods_per_connection),
     .help = "Most methods that one connection may serve",
     .min = 1,
     .max = 1'000'000},
    {.key = "limits.output_soft_bytes",
     .type = size,
     .member = WEFT_MEMBER(node.limits.output_soft_bytes),
     .help = "Pending output from which a connection is no longer read",
     .min = kib,
     .max = 16 * gib},
    {.key = "limits.output_hard_bytes",
     .type = size,
     .member = WEFT_MEMBER(node.limits.output_hard_bytes),
     .help = "Pending output at which a connection is cut",
     .min = kib,
     .max = 16 * gib},
    {.key = "limits.write_deadline",
     .type = duration,
     .member = WEFT_MEMBER(node.limits.write_deadline),
     .help = "A connection whose pending output makes no progress for so long is cut",
     .min = 10,
     .max = hour},
    {.key = "limits.frame_timeout",
     .type = duration,
     .member = WEFT_MEMBER(node.limits.frame_timeout),
     .help = "A frame must be complete so long after its first byte",
     .min = 10,
     .max = hour},
    {.key = "limits.idle_timeout",
     .type = duration,
     .member = WEFT_MEMBER(node.limits.idle_timeout),
     .help = "A connection that never introduced itself and is silent for so long is closed; 0s: never",
     .min = 0,
     .max = 24 * hour},
    {.key = "limits.blocking_calls",
     .type = count,
     .member = WEFT_MEMBER(node.limits.blocking_calls),
     .help = "Most calls of blocking handlers, running and waiting",
     .min = 1,
     .max = 1'000'000},
    {.key = "limits.blocking_threads",
     .type = count,
     .member = WEFT_MEMBER(node.limits.blocking_threads),
     .help = "Threads for blocking handlers",
     .min = 1,
     .max = 1024},
    {.key = "limits.calls_per_reactor",
     .type = count,
     .member = WEFT_MEMBER(node.limits.calls_per_reactor),
     .help = "Most calls under way on one reactor, in both directions",
     .min = 1,
     .max = 1'000'000},
    {.key = "limits.held_request_bytes",
     .type = size,
     .member = WEFT_MEMBER(node.limits.held_request_bytes),
     .help = "Most bytes of requests that one reactor keeps until their calls are over, to send them again",
     .min = kib,
     .max = 1024 * gib},
    {.key = "limits.method_in_flight",
     .type = rules,
     .member = WEFT_MEMBER(node.limits.method_in_flight),
     .help = "Most calls under way, on this node, of each method served here or called through it; further "
             "ones wait",
     .check = check_calls,
     .form = "METHOD=CALLS"},
    {.key = "limits.queue_length",
     .type = count,
     .member = WEFT_MEMBER(node.limits.queue_length),
     .help = "Most calls of one method that wait on one reactor until an instance or the method has room; 0: "
             "refuse at once",
     .min = 0,
     .max = 1'000'000},
    {.key = "limits.queue_interval",
     .type = duration,
     .member = WEFT_MEMBER(node.limits.queue_interval),
     .help = "Longest such wait",
     .min = 1,
     .max = hour},
    {.key = "limits.queue_target",
     .type = duration,
     .member = WEFT_MEMBER(node.limits.queue_target),
     .help =
         "Longest wait once the queue has not been empty for limits.queue_interval: what has waited longer "
         "is refused, so that the rest is still worth doing",
     .min = 1,
     .max = hour},

    {.key = "mesh.connect_timeout",
     .type = duration,
     .member = WEFT_MEMBER(node.mesh.connect_timeout),
     .help = "How long connecting to a peer may take",
     .min = 10,
     .max = 600 * second},
    {.key = "mesh.reconnect_initial",
     .type = duration,
     .member = WEFT_MEMBER(node.mesh.reconnect_initial),
     .help = "Wait before the first reconnection to a peer; doubles each time, with jitter",
     .min = 1,
     .max = hour},
    {.key = "mesh.reconnect_max",
     .type = duration,
     .member = WEFT_MEMBER(node.mesh.reconnect_max),
     .help = "Longest wait between reconnections to a peer",
     .min = 1,
     .max = hour},
    {.key = "mesh.dns_interval",
     .type = duration,
     .member = WEFT_MEMBER(node.mesh.dns_interval),
     .help = "How often the names of dns:// are looked up, whatever their records' time to live",
     .min = 10,
     .max = hour},
    {.key = "mesh.file_interval",
     .type = duration,
     .member = WEFT_MEMBER(node.mesh.file_interval),
     .help = "How often the files of file:// are read",
     .min = 10,
     .max = hour},
    {.key = "mesh.max_discovered_nodes",
     .type = count,
     .member = WEFT_MEMBER(node.mesh.max_discovered_nodes),
     .help =
         "Most addresses of dns:// and file:// that are dialled; the rest is left out. A file may have 1 KiB "
         "for each",
     .min = 1,
     .max = 100'000},

    {.key = "auth.tokens_file",
     .type = path,
     .member = WEFT_MEMBER(auth.tokens),
     .help =
         "Who may serve and call what (JSON, see docs/security.md), read once; empty: everyone everything"},
    {.key = "auth.peer_token_file",
     .type = path,
     .member = WEFT_MEMBER(auth.peer_token),
     .help = "Holds the token that this node presents to the peers that it dials; empty: none",
     .flag = "--peer-token-file"},
    {.key = "auth.max_failures",
     .type = count,
     .member = WEFT_MEMBER(node.auth.max_failures),
     .help = "A connection that presents so many wrong tokens is cut",
     .min = 1,
     .max = 1'000},

    {.key = "balance.rules",
     .type = rules,
     .member = WEFT_MEMBER(node.balance.rules),
     .help =
         "How instances are chosen: p2c (default), round_robin or consistent_hash by the request's route_key",
     .check = check_policy,
     .flag = "--balance",
     .form = "METHOD=POLICY"},
    {.key = "hedge.rules",
     .type = rules,
     .member = WEFT_MEMBER(node.balance.hedge.rules),
     .help = "Idempotent methods that get a second attempt, on another instance, when the first takes longer "
             "than this percentile of the method's latency; within the retry budget",
     .check = check_percentile,
     .flag = "--hedge",
     .form = "METHOD=PERCENTILE"},
    {.key = "hedge.minimum_delay",
     .type = duration,
     .member = WEFT_MEMBER(node.balance.hedge.minimum_delay),
     .help = "No second attempt earlier than this",
     .min = 1,
     .max = hour},
    {.key = "ejection.consecutive_failures",
     .type = count,
     .member = WEFT_MEMBER(node.balance.ejection.consecutive_failures),
     .help = "So many failures in a row take an instance out of rotation",
     .min = 1,
     .max = 1'000'000},
    {.key = "ejection.failure_percent",
     .type = count,
     .member = WEFT_MEMBER(node.balance.ejection.failure_percent),
     .help = "So many failures per hundred calls of a second take it out, too",
     .min = 1,
     .max = 100},
    {.key = "ejection.minimum_calls",
     .type = count,
     .member = WEFT_MEMBER(node.balance.ejection.minimum_calls),
     .help = "Calls in a second from which that share is looked at",
     .min = 1,
     .max = 1'000'000},
    {.key = "ejection.base_time",
     .type = duration,
     .member = WEFT_MEMBER(node.balance.ejection.base_time),
     .help = "How long the first ejection lasts; each further one doubles it",
     .min = 10,
     .max = hour},
    {.key = "ejection.max_time",
     .type = duration,
     .member = WEFT_MEMBER(node.balance.ejection.max_time),
     .help = "The longest ejection",
     .min = 10,
     .max = 24 * hour},
    {.key = "ejection.panic_percent",
     .type = count,
     .member = WEFT_MEMBER(node.balance.ejection.panic_percent),
     .help = "With a smaller share of a method's instances well, all of them are used",
     .min = 0,
     .max = 100},
    {.key = "retry.attempts",
     .type = count,
     .member = WEFT_MEMBER(node.balance.retry.attempts),
     .help = "Attempts at a call that did not run or may run twice, including the first",
     .min = 1,
     .max = 8},
    {.key = "retry.backoff_initial",
     .type = duration,
     .member = WEFT_MEMBER(node.balance.retry.backoff_initial),
     .help = "Wait before the same instance is tried again; doubled each time, with jitter",
     .min = 1,
     .max = hour},
    {.key = "retry.backoff_max",
     .type = duration,
     .member = WEFT_MEMBER(node.balance.retry.backoff_max),
     .help = "The longest such wait",
     .min = 1,
     .max = hour},
    {.key = "retry.budget_percent",
     .type = count,
     .member = WEFT_MEMBER(node.balance.retry.budget_percent),
     .help = "Retries per hundred calls",
     .min = 0,
     .max = 100},
    {.key = "retry.budget_floor_per_second",
     .type = count,
     .member = WEFT_MEMBER(node.balance.retry.budget_floor_per_second),
     .help = "Retries a second that each reactor may always make",
     .min = 0,
     .max = 1'000'000},

    {.key = "tracing.endpoint",
     .type = url,
     .member = WEFT_MEMBER(node.tracing.endpoint),
     .help = "Where spans are sent, an OTLP/HTTP collector such as http://127.0.0.1:4318/v1/traces; empty: "
             "no tracing",
     .check = tracing::check_url},
    {.key = "tracing.sample_ratio",
     .type = ratio,
     .member = WEFT_MEMBER(node.tracing.sample_ratio),
     .help = "Share of the requests without a traceparent that begin a trace; with one, its sampled flag "
             "decides"},
    {.key = "tracing.queue_spans",
     .type = count,
     .member = WEFT_MEMBER(node.tracing.queue_spans),
     .help = "Most spans that wait to be sent; what is over is dropped and counted",
     .min = 1,
     .max = 1'000'000},
    {.key = "tracing.batch_spans",
     .type = count,
     .member = WEFT_MEMBER(node.tracing.batch_spans),
     .help = "Most spans in one request to the collector",
     .min = 1,
     .max = 100'000},
    {.key = "tracing.export_interval",
     .type = duration,
     .member = WEFT_MEMBER(node.tracing.export_interval),
     .help = "How long spans wait for a batch to become full",
     .min = 1,
     .max = hour},
    {.key = "tracing.request_timeout",
     .type = duration,
     .member = WEFT_MEMBER(node.tracing.request_timeout),
     .help = "How long one request to the collector may take",
     .min = 1,
     .max = hour},
    {.key = "tracing.export_timeout",
     .type = duration,
     .member = WEFT_MEMBER(node.tracing.export_timeout),
     .help = "How long a batch is tried before it is dropped",
     .min = 1,
     .max = hour},
};

#undef WEFT_MEMBER

}  // namespace

std::span<const option> option_table() {
  return rows;
}

std::vector<std::string> check_together(const program_options& options,
                                        const std::function<std::string(std::string_view key)>& describe) {
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
  const balance_options& balance = options.node.balance;
  if (balance.ejection.base_time > balance.ejection.max_time)
    at_most("ejection.base_time", "ejection.max_time");
  if (balance.retry.backoff_initial > balance.retry.backoff_max)
    at_most("retry.backoff_initial", "retry.backoff_max");
  const auto is_own = [&](std::string_view peer) { return peer.starts_with(options.node.id + "="); };
  if (!options.node.id.empty() && std::ranges::any_of(mesh.peers, is_own))
    complaints.push_back(
        fmt::format("{} is also this node's own id; a peer has a name of its own", describe("peers")));
  if (options.node.admin.host.contains(':'))
    complaints.push_back(fmt::format(
        "{} is an IPv6 address, but the HTTP library serves IPv4 only; use an IPv4 address or a host "
        "name",
        describe("admin")));
  return complaints;
}

}  // namespace weft
