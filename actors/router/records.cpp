#include "actors/router/records.hpp"

#include <algorithm>

#include "actors/methods/method_pattern.hpp"
#include "actors/transport/network.hpp"

namespace weft {
namespace {

using std::chrono::system_clock;

/// "users/a", "users", or empty for who never introduced itself.
std::string title(std::string_view name, std::string_view instance) {
  std::string text(name);
  if (!instance.empty()) text.append("/").append(instance);
  return text;
}

host_port address_of(const sockaddr_storage& address) {
  auto text = format_address(address);
  text.resize(text.rfind(':'));
  if (text.starts_with('[')) text = text.substr(1, text.size() - 2);
  return {text, port_of(address)};
}

void describe_caller(const connection_entry& entry, call_record& record) {
  record.caller = entry.party.node.empty() ? title(entry.party.name, entry.party.instance) : entry.party.node;
  record.caller_address = address_of(entry.party.address);
}

}  // namespace

records::records(router_site& site, connections& entries)
    : site_(site),
      connections_(entries),
      stats_(site.options.limits.call_series, site.options.limits.share_percent),
      recorder_(call_recorder::make(site.home, site.options, site.environment.sinks)) {}

method_stats& records::find_stats_of(const route& serving) {
  std::uint64_t owner = 1;
  if (!serving.endpoints.empty()) {
    const auto& serves = serving.endpoints.front().connection;
    owner = (std::uint64_t{serves.key.generation} << 40U | std::uint64_t{serves.reactor_index} << 32U |
             serves.key.slot) +
            2;
  }
  auto& stats = stats_.server(serving.pattern, owner);
  if (&stats == &stats_.server_other()) {
    if (stats_.crowded()) site_.metrics().add(metric::limit_call_series);
  } else {
    by_route_.emplace(&serving, &stats);
  }
  return stats;
}

method_stats& records::stats_of(const peer_route& peer, std::string_view method) {
  return stats_.client(peer.host, peer.port, method);
}

// Between turns: nothing of this turn refers to series any more.
void records::sweep() {
  constexpr std::chrono::seconds usual{10};
  constexpr std::chrono::seconds when_crowded{1};
  const auto now = site_.now();
  if (now - swept_ < (stats_.crowded() ? when_crowded : usual)) return;
  swept_ = now;
  forget_routes();
  const auto retention =
      stats_.crowded() ? std::chrono::milliseconds(0) : site_.options.limits.call_series_retention;
  stats_.sweep(now, retention, [&](std::string_view pattern) {
    const auto* serving = site_.routes->find_pattern(pattern);
    return serving != nullptr && !serving->endpoints.empty();
  });
  stats_.swept();
}

void records::observe_turn() {
  if (observed_.empty()) return;
  const auto now = coro::clock::now();
  for (const auto& [stats, code, started] : observed_) stats->observe(code, now - started);
  observed_.clear();
}

void records::take(call& c, request& r, std::string_view method) {
  if (!recorder_) return;
  c.asked.method = method;
  if (r.trace.known) c.told.trace = std::move(r.trace);
}

void records::observe(call& c, std::int32_t code) {
  if (c.told.stats != nullptr) observed_.push_back({c.told.stats, code, c.told.started});
  if (recorder_ && c.from != call::origin::router && recorder_->wants(code, c.told.trace)) record(c, code);
}

void records::over_quota(const std::string& identity) {
  over_quota_.add(identity);
}

void records::malformed(const connection_entry& from) {
  malformed_.add(from.party.title().empty() ? named_counts::other : method_label(from.party.title()));
}

void records::record(request& r, const method_stats& stats, std::int32_t code) {
  call_record record;
  record.method = r.name.substr(0, site_.options.limits.method_name_bytes);
  record.registered = &stats != &stats_.server_other();
  describe_caller(r.from, record);
  record.code = code;
  record.ended = system_clock::now();
  record.duration = coro::clock::now() - r.received;
  record.trace = r.trace;
  recorder_->record(std::move(record));
}

void records::record(call& c, std::int32_t code) {
  const bool inbound = c.from == call::origin::connection;
  // How links between nodes come up, or not, is told by their peer actors.
  if (c.from == call::origin::coroutine && c.coroutine.peer.empty() &&
      (c.asked.method == "connect" || c.asked.method == "heartbeat")) {
    return;
  }
  call_record record;
  record.side = inbound ? call_side::server : c.handling.in_process ? call_side::internal : call_side::client;
  record.method = c.asked.method;
  record.registered = c.told.stats != &stats_.server_other();
  if (inbound) {
    if (const auto* entry = connections_.find(c.caller.key)) describe_caller(*entry, record);
  }
  describe_callee(c, record);
  record.code = code;
  record.attempts = c.attempts.tried.count();
  if (c.stream) [[unlikely]] {
    record.attempts += c.stream->elsewhere.earlier_attempts;
    if (c.stream->has_rare()) record.resumptions = std::move(c.stream->rare().resumptions);
  }
  record.ended = system_clock::now();
  record.duration = coro::clock::now() - c.told.started;
  record.trace = std::move(c.told.trace);
  c.told.trace = {};
  recorder_->record(std::move(record));
}

void records::describe_callee(const call& c, call_record& record) const {
  if (c.attempts.tried.count() == 0) {
    record.callee = c.coroutine.peer;
    return;
  }
  const auto* serving = site_.routes->find(c.asked.method);
  if (serving == nullptr) return;
  const auto found = std::ranges::find(serving->endpoints, c.attempts.tried.last(), &endpoint::connection);
  if (found == serving->endpoints.end()) return;
  record.callee = title(found->service, found->instance);
  record.callee_node = found->node;
}

std::string_view records::traced(const proto::envelope& message, const call_trace& trace,
                                 std::span<text_span* const> moved) {
  if (!trace.recording && !trace.begun) return message.text;
  const auto value = raw_traceparent(trace.at);
  // The member must not make a frame too large that was not.
  constexpr std::string_view around = R"("traceparent":,)";
  const auto added = message.traceparent.empty() ? value.size() + around.size() : value.size();
  if (message.text.size() + added > site_.options.limits.frame_bytes) return message.text;
  const auto state = trace.begun ? span_in(message.text, message.tracestate) : text_span{};
  traced_.clear();
  append_traced(traced_, message.text, span_in(message.text, message.traceparent), value, state, moved);
  return traced_;
}

void records::pass_on(call& c, request& r) {
  if (!r.trace.known) return;
  c.told.trace = std::move(r.trace);
  text_span* const moved[] = {&c.asked.spans.id, &c.asked.spans.deadline};
  const auto text = traced(r.message, c.told.trace, moved);
  if (text.data() != r.message.text.data()) c.asked.text = text;
}

std::string_view records::pass_on(request& r, const route& serving) {
  if (!recorder_) return r.message.text;
  const auto text = traced(r.message, r.trace);
  if (recorder_->wants(0, r.trace)) record(r, stats_of(serving), 0);
  return text;
}

std::string_view records::begin_outgoing(call& c, std::string_view method, const weft::handler_context& ctx) {
  if (!recorder_) return ctx.raw_traceparent();
  c.asked.method = method;
  c.told.trace = recorder_->begin_child(ctx.raw_traceparent(), ctx.raw_tracestate());
  if (!c.told.trace.recording) return ctx.raw_traceparent();
  traced_ = raw_traceparent(c.told.trace.at);
  return traced_;
}

std::shared_ptr<const trace_members> records::handler_trace(const call& c,
                                                            std::string_view raw_traceparent_in,
                                                            std::string_view raw_tracestate) {
  if (c.told.trace.begun) return std::make_shared<const trace_members>(raw_traceparent(c.told.trace.at), "");
  if (c.told.trace.recording) {
    return std::make_shared<const trace_members>(raw_traceparent(c.told.trace.at),
                                                 std::string(raw_tracestate));
  }
  if (raw_traceparent_in.empty()) return nullptr;
  return std::make_shared<const trace_members>(std::string(raw_traceparent_in), std::string(raw_tracestate));
}

void records::report(router_report& report) const {
  stats_.append_to(report.calls);
  over_quota_.visit([&](const std::string& identity, std::uint64_t count) {
    report.over_quota.push_back({identity, count});
  });
  malformed_.visit([&](const std::string& service, std::uint64_t count) {
    report.malformed_responses.push_back({service, count});
  });
}

}  // namespace weft
