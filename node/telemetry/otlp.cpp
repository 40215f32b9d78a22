#include "node/telemetry/otlp.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "proto/error.hpp"

namespace weft::tracing {
namespace {

using nlohmann::json;

constexpr std::string_view other_method = "_OTHER";
constexpr std::string_view system_name = "jsonrpc";

// https://github.com/open-telemetry/opentelemetry-proto/blob/main/opentelemetry/proto/trace/v1/trace.proto
constexpr int status_error = 2;
constexpr std::uint32_t flags_has_is_remote = 0x100;
constexpr std::uint32_t flags_is_remote = 0x200;

json attribute(std::string_view key, std::string_view text) {
  return {{"key", key}, {"value", {{"stringValue", text}}}};
}

/// Whole numbers are strings in the JSON of protocol buffers.
json attribute(std::string_view key, std::int64_t number) {
  return {{"key", key}, {"value", {{"intValue", std::to_string(number)}}}};
}

std::string nanoseconds(std::chrono::system_clock::time_point time) {
  return std::to_string(std::chrono::nanoseconds(time.time_since_epoch()).count());
}

std::string hex(std::uint64_t id) {
  return fmt::format("{:016x}", id);
}

json attributes_of(const call_record& call, std::string_view node) {
  json list = {attribute("rpc.system.name", system_name),
               attribute("rpc.method", call.registered ? call.method : other_method),
               attribute("jsonrpc.protocol.version", "2.0"), attribute("network.transport", "tcp"),
               attribute("weft.node", node)};
  const auto add = [&](std::string_view key, const std::string& text) {
    if (!text.empty()) list.push_back(attribute(key, text));
  };
  if (!call.registered) list.push_back(attribute("rpc.method_original", call.method));
  if (call.code != 0) {
    // The number as a string, says the convention for JSON-RPC, and every error object is an error.
    const auto code = std::to_string(call.code);
    list.push_back(attribute("rpc.response.status_code", code));
    list.push_back(attribute("error.type", code));
  }
  if (!call.caller_address.host.empty()) {
    list.push_back(attribute("network.peer.address", call.caller_address.host));
    list.push_back(attribute("network.peer.port", call.caller_address.port));
  }
  add("weft.caller", call.caller);
  add("weft.callee", call.callee);
  add("weft.callee.node", call.callee_node);
  if (call.attempts != 0) list.push_back(attribute("weft.attempts", call.attempts));
  return list;
}

json events_of(const call_record& call) {
  json list = json::array();
  for (const auto& each : call.resumptions) {
    list.push_back({{"timeUnixNano", nanoseconds(each.at)},
                    {"name", "weft.stream.resumed"},
                    {"attributes", json::array({attribute("weft.stream.items", each.items)})}});
  }
  return list;
}

json span_of(const call_record& call, std::string_view node) {
  const auto& trace = call.trace;
  // A handler's own calls are children of a span of this process, requests of one elsewhere.
  const bool remote_parent = call.side == call_side::server && trace.parent_span != 0;
  json span = {{"traceId", hex(trace.at.trace_id_high) + hex(trace.at.trace_id_low)},
               {"spanId", hex(trace.at.span_id)},
               {"flags", trace.at.flags | flags_has_is_remote | (remote_parent ? flags_is_remote : 0)},
               {"name", call.registered ? std::string_view(call.method) : system_name},
               {"kind", static_cast<int>(call.side)},
               {"startTimeUnixNano",
                nanoseconds(call.ended -
                            std::chrono::duration_cast<std::chrono::system_clock::duration>(call.duration))},
               {"endTimeUnixNano", nanoseconds(call.ended)},
               {"attributes", attributes_of(call, node)}};
  if (trace.parent_span != 0) span["parentSpanId"] = hex(trace.parent_span);
  if (trace.raw_tracestate.starts_with('"')) {
    const auto state = json::parse(trace.raw_tracestate, nullptr, false);
    if (state.is_string()) span["traceState"] = state;
  }
  if (!call.resumptions.empty()) span["events"] = events_of(call);
  if (call.code != 0) span["status"] = {{"code", status_error}, {"message", code_name(call.code)}};
  return span;
}

/// 64-bit numbers come as strings or as numbers.
std::int64_t read_integer(const json& value) {
  if (value.is_number_integer()) return value.get<std::int64_t>();
  std::int64_t number = 0;
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    std::from_chars(text.data(), text.data() + text.size(), number);
  }
  return number;
}

}  // namespace

std::string export_request(std::span<const call_record> spans, std::string_view node,
                           std::string_view version) {
  json list = json::array();
  for (const auto& call : spans) list.push_back(span_of(call, node));
  json resource = {
      {"attributes", json::array({attribute("service.name", "weft"), attribute("service.instance.id", node),
                                  attribute("service.version", version)})}};
  json scope = {{"scope", {{"name", "weft"}, {"version", version}}}, {"spans", std::move(list)}};
  const json request = {{"resourceSpans", json::array({{{"resource", std::move(resource)},
                                                        {"scopeSpans", json::array({std::move(scope)})}}})}};
  return request.dump(-1, ' ', false, json::error_handler_t::replace);
}

partial_success read_export_response(std::string_view body) {
  const auto answer = json::parse(body, nullptr, false);
  if (!answer.is_object()) return {};
  const auto partial = answer.find("partialSuccess");
  if (partial == answer.end() || !partial->is_object()) return {};
  partial_success read;
  read.rejected = std::max<std::int64_t>(0, read_integer(partial->value("rejectedSpans", json())));
  if (const auto message = partial->find("errorMessage"); message != partial->end() && message->is_string()) {
    read.message = message->get<std::string>();
  }
  return read;
}

}  // namespace weft::tracing
