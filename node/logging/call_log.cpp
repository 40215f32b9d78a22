#include "node/logging/call_log.hpp"

#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <spdlog/sinks/sink.h>

#include "actors/transport/network.hpp"
#include "node/logging/log.hpp"
#include "proto/error.hpp"

namespace weft {
namespace {

using nlohmann::ordered_json;

std::string_view to_string(call_side side) {
  switch (side) {
    case call_side::internal:
      return "internal";
    case call_side::server:
      return "server";
    case call_side::client:
      return "client";
  }
  std::unreachable();
}

std::string dump(const ordered_json& value) {
  return value.dump(-1, ' ', false, ordered_json::error_handler_t::replace);
}

/// Everything that is known; what is not is left out.
ordered_json members_of(const call_record& call, const std::string& node) {
  ordered_json members = {{"node", node}, {"side", to_string(call.side)}, {"method", call.method}};
  const auto add = [&](const char* name, const std::string& text) {
    if (!text.empty()) members[name] = text;
  };
  add("caller", call.caller);
  if (!call.caller_address.host.empty()) members["caller_address"] = format_host_port(call.caller_address);
  add("callee", call.callee);
  add("callee_node", call.callee_node);
  members["code"] = call.code;
  members["status"] = call.code == 0 ? "OK" : code_name(call.code);
  // Microseconds, written in milliseconds without what a division in binary would add.
  members["duration_ms"] =
      static_cast<double>(std::chrono::floor<std::chrono::microseconds>(call.duration).count()) / 1e3;
  if (call.attempts != 0) members["attempts"] = call.attempts;
  if (!call.trace.known) return members;
  const auto text = proto::format_traceparent(call.trace.at);
  constexpr std::size_t trace_id_at = 3;
  constexpr std::size_t span_id_at = 36;
  members["trace_id"] = proto::view(text).substr(trace_id_at, 32);
  members["span_id"] = proto::view(text).substr(span_id_at, 16);
  return members;
}

/// A value that could be taken for several is quoted.
std::string text_value(const ordered_json& value) {
  if (!value.is_string()) return value.dump();
  const auto& text = value.get_ref<const std::string&>();
  const bool plain = !text.empty() && text.find_first_of(" =\"\\") == text.npos;
  return plain ? text : dump(value);
}

std::string render(const ordered_json& members, bool as_json) {
  // Without the braces: the line has members of its own in front.
  if (as_json) return dump(members).substr(1);
  std::string line;
  for (const auto& [name, value] : members.items()) {
    line.append(line.empty() ? "" : " ").append(name).append("=").append(text_value(value));
  }
  return line;
}

}  // namespace

std::function<void(const call_record&)> make_call_log(std::shared_ptr<spdlog::logger> log,
                                                      std::string_view format, std::string node) {
  return [log = std::move(log), as_json = format == "json", node = std::move(node)](const call_record& call) {
    const auto level = call.code == 0 ? spdlog::level::info : spdlog::level::warn;
    if (!log->should_log(level)) return;
    const auto line = render(members_of(call, node), as_json);
    const spdlog::details::log_msg message(spdlog::string_view_t(call_logger.data(), call_logger.size()),
                                           level, spdlog::string_view_t(line));
    for (const auto& sink : log->sinks()) {
      if (!sink->should_log(level)) continue;
      sink->log(message);
      sink->flush();
    }
  };
}

}  // namespace weft
