// The router's part in traces and in the log of calls: where a call stands in its trace, what is passed on of
// that, and the record that is made when it is over.
#include <algorithm>

#include "actors/router/router.hpp"
#include "actors/router/splice.hpp"
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

void describe_caller(const link_entry& entry, call_record& record) {
  record.caller = entry.node.empty() ? title(entry.name, entry.instance) : entry.node;
  record.caller_address = address_of(entry.address);
}

}  // namespace

void router::begin_request(const link_entry& entry, std::string_view name, const proto::envelope& message,
                           coro::clock::time_point received) {
  in_hand_.caller = &entry;
  in_hand_.method = name;
  in_hand_.received = received;
  if (in_hand_.trace.known) in_hand_.trace = {};
  if (recorder_->may_begin(message.traceparent)) {
    in_hand_.trace = recorder_->begin(message.traceparent, message.tracestate);
  }
}

void router::record_request(std::int32_t code, const method_stats& stats) {
  call_record record;
  record.method = in_hand_.method.substr(0, options().limits.method_name_bytes);
  record.registered = &stats != &stats_.server_other();
  describe_caller(*in_hand_.caller, record);
  record.code = code;
  record.ended = system_clock::now();
  record.duration = coro::clock::now() - in_hand_.received;
  record.trace = in_hand_.trace;
  recorder_->record(std::move(record));
}

void router::make_record(call& c, std::int32_t code) {
  call_record record;
  const bool inbound = c.from == call::origin::connection;
  // How links between nodes come up, or not, is told by their peer actors.
  if (c.from == call::origin::coroutine && c.peer_called.empty() &&
      (c.method == "connect" || c.method == "heartbeat")) {
    return;
  }
  record.side = inbound ? call_side::server : c.in_process ? call_side::internal : call_side::client;
  record.method = c.method;
  record.registered = c.stats != &stats_.server_other();
  if (inbound) {
    if (const auto* entry = find(c.caller)) describe_caller(*entry, record);
  }
  describe_callee(c, record);
  record.code = code;
  record.attempts = c.attempts;
  record.ended = system_clock::now();
  record.duration = coro::clock::now() - c.started;
  record.trace = std::move(c.trace);
  recorder_->record(std::move(record));
  // A call is recorded once, whatever becomes of its record here.
  c.trace = {};
}

void router::describe_callee(const call& c, call_record& record) {
  if (c.attempts == 0) {
    record.callee = c.peer_called;
    return;
  }
  const auto* serving = routes_->find(c.method);
  if (serving == nullptr) return;
  const auto& link = c.tried[c.attempts - 1U];
  const auto found = std::ranges::find(serving->endpoints, link, &endpoint::link);
  if (found == serving->endpoints.end()) return;
  record.callee = title(found->service, found->instance);
  record.callee_node = found->node;
}

void router::take_trace(call& c, std::string_view method) {
  c.method = method;
  if (in_hand_.trace.known) c.trace = std::move(in_hand_.trace);
}

std::string_view router::traced(const proto::envelope& message, const call_trace& trace) {
  if (!trace.recording && !trace.begun) return message.text;
  const auto value = raw_traceparent(trace.at);
  // The member must not make a frame too large that was not.
  constexpr std::string_view around = R"("traceparent":,)";
  const auto added = message.traceparent.empty() ? value.size() + around.size() : value.size();
  if (message.text.size() + added > options().limits.frame_bytes) return message.text;
  const auto state = trace.begun ? span_in(message.text, message.tracestate) : text_span{};
  traced_.clear();
  append_traced(traced_, message.text, span_in(message.text, message.traceparent), value, state);
  return traced_;
}

void router::continue_trace(call& c, const proto::envelope& message) {
  if (!in_hand_.trace.known) return;
  c.trace = std::move(in_hand_.trace);
  const auto text = traced(message, c.trace);
  if (text.data() == message.text.data()) return;
  c.request = text;
  proto::envelope moved;
  proto::scan(c.request, {options().limits.depth, 1, false}, moved, shared_.scan_batch);
  c.id_in_request = span_in(c.request, moved.id);
  c.deadline_in_request = span_in(c.request, moved.deadline_ms);
}

std::string_view router::continue_notification(const proto::envelope& message, const route& serving) {
  const auto text = traced(message, in_hand_.trace);
  if (recorder_->wants(0, in_hand_.trace)) record_request(0, stats_of(serving));
  return text;
}

std::string_view router::begin_outgoing(call& c, const remote::address& to, std::string_view method,
                                        const weft::context& ctx) {
  c.method = method;
  if (const auto* peer = std::get_if<remote::peer_name>(&to)) c.peer_called = peer->name;
  c.trace = recorder_->begin_child(ctx.raw_traceparent(), ctx.raw_tracestate());
  if (!c.trace.recording) return ctx.raw_traceparent();
  traced_ = raw_traceparent(c.trace.at);
  return traced_;
}

std::shared_ptr<const trace_members> router::handler_trace(const call& c, std::string_view raw_traceparent_in,
                                                           std::string_view raw_tracestate) {
  if (c.trace.begun) return std::make_shared<const trace_members>(raw_traceparent(c.trace.at), "");
  if (c.trace.recording) {
    return std::make_shared<const trace_members>(raw_traceparent(c.trace.at), std::string(raw_tracestate));
  }
  if (raw_traceparent_in.empty()) return nullptr;
  return std::make_shared<const trace_members>(std::string(raw_traceparent_in), std::string(raw_tracestate));
}

}  // namespace weft
