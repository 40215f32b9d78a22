#include "actors/registry/session_messages.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace weft {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;
using complaint = std::unexpected<std::string>;

constexpr milliseconds shortest_heartbeat{10};
constexpr milliseconds longest_heartbeat{3'600'000};
constexpr double longest_handover_ms = 3'600'000;

/// What came instead, short enough for a log.
std::string shown(const json& value) {
  constexpr std::size_t longest = 40;
  if (value.is_structured()) return value.type_name();
  auto text = value.dump(-1, ' ', true, json::error_handler_t::replace);
  if (text.size() > longest) text = text.substr(0, longest) + "...";
  return text;
}

const json* member(const json& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() ? nullptr : &*found;
}

std::optional<std::string> read_string(const json& params, const char* name, std::string& into) {
  const auto* found = member(params, name);
  if (found == nullptr) return std::nullopt;
  if (!found->is_string()) return fmt::format("'{}' is a string, not {}", name, found->type_name());
  constexpr std::size_t longest = 256;
  if (found->get_ref<const std::string&>().size() > longest)
    return fmt::format("'{}' has at most {} bytes", name, longest);
  into = found->get<std::string>();
  return std::nullopt;
}

std::optional<std::string> read_frame_bytes(const json& params, const char* name,
                                            std::optional<std::size_t>& into) {
  constexpr std::size_t least = 1024;
  const auto* found = member(params, name);
  if (found == nullptr) return std::nullopt;
  if (!found->is_number_unsigned() || found->get<std::uint64_t>() == 0)
    return fmt::format("'{}' is a positive integer, not {}", name, shown(*found));
  into = found->get<std::uint64_t>();
  if (*into < least)
    return fmt::format("'{}' is at least {}: less has no room for an error and its reason", name, least);
  return std::nullopt;
}

std::optional<std::string> read_limits(const json& params, connect_message& into) {
  const auto* limits = member(params, "limits");
  if (limits == nullptr) return std::nullopt;
  if (!limits->is_object()) return fmt::format("'limits' is an object, not {}", shown(*limits));
  if (auto wrong = read_frame_bytes(*limits, "frame_bytes", into.frame_bytes)) return wrong;
  return read_frame_bytes(*limits, "link_frame_bytes", into.link_frame_bytes);
}

std::expected<remote_method, std::string> read_remote_method(const json& entry, const limit_options& limits) {
  auto serves = parse_serves(json::array({entry}), limits, further_members::ignored);
  if (!serves) return complaint(std::move(serves.error().sentence));
  remote_method read{std::move(serves->front()), 1};
  if (const auto* count = entry.is_object() ? member(entry, "instances") : nullptr) {
    constexpr std::uint64_t most = 1'000'000;
    if (!count->is_number_unsigned() || count->get<std::uint64_t>() < 1 ||
        count->get<std::uint64_t>() > most) {
      return complaint(fmt::format("'{}': instances is an integer from 1 to {}, not {}", read.method.pattern,
                                   most, shown(*count)));
    }
    read.instances = count->get<std::uint32_t>();
  }
  return read;
}

}  // namespace

std::expected<connect_message, declaration_fault> read_connect(const json& params,
                                                               const limit_options& limits) {
  using fault = std::unexpected<declaration_fault>;
  connect_message read;
  if (params.is_null() || (params.is_array() && params.empty())) return read;
  if (!params.is_object())
    return fault("connect takes named params: {name?, instance?, serves?, token?, heartbeat_ms?, limits?}");
  for (const auto& [name, into] :
       {std::pair{"name", &read.name}, std::pair{"instance", &read.instance}, std::pair{"node", &read.node},
        std::pair{"incarnation", &read.incarnation}, std::pair{"token", &read.token}}) {
    if (auto wrong = read_string(params, name, *into)) return fault(std::move(*wrong));
  }
  if (member(params, "heartbeat_ms") != nullptr) {
    read.heartbeat = heartbeat_of(params);
    if (!read.heartbeat) {
      return fault(fmt::format("'heartbeat_ms' is a number from {} to {}", shortest_heartbeat.count(),
                               longest_heartbeat.count()));
    }
  }
  if (auto wrong = read_limits(params, read)) return fault(std::move(*wrong));
  if (const auto* found = member(params, "serves")) {
    auto serves = parse_serves(*found, limits, further_members::refused);
    if (!serves) return fault(std::move(serves.error()));
    read.serves = std::move(*serves);
  }
  return read;
}

std::optional<milliseconds> heartbeat_of(const json& result) {
  const auto* found = result.is_object() ? member(result, "heartbeat_ms") : nullptr;
  const auto ms = found != nullptr && found->is_number() ? found->get<double>() : -1.0;
  const bool may_be = ms >= static_cast<double>(shortest_heartbeat.count()) &&
                      ms <= static_cast<double>(longest_heartbeat.count());
  if (!may_be) return std::nullopt;
  return milliseconds(static_cast<std::int64_t>(ms));
}

std::expected<connected_message, std::string> read_connected(const json& result) {
  connected_message read;
  if (!result.is_object() || !result.contains("node"))
    return complaint("its answer is no object with the string 'node'");
  for (const auto& [name, into] :
       {std::pair{"node", &read.node}, std::pair{"incarnation", &read.incarnation}}) {
    if (auto wrong = read_string(result, name, *into)) return complaint("its answer: " + *wrong);
  }
  if (const auto* limits = member(result, "limits"); limits != nullptr && limits->is_object()) {
    if (auto wrong = read_frame_bytes(*limits, "link_frame_bytes", read.link_frame_bytes))
      return complaint("its answer: " + *wrong);
  }
  return read;
}

std::expected<routes_message, std::string> read_routes(const json& params, const limit_options& limits) {
  routes_message read;
  if (!params.is_object()) return complaint("mesh.routes takes named params: {seq, reset?, add?, remove?}");
  const auto* seq = member(params, "seq");
  if (seq == nullptr || !seq->is_number_unsigned())
    return complaint(fmt::format("'seq' is an integer that is not negative, not {}",
                                 seq == nullptr ? std::string("absent") : shown(*seq)));
  read.seq = seq->get<std::uint64_t>();
  if (const auto* reset = member(params, "reset")) {
    if (!reset->is_boolean())
      return complaint(fmt::format("'reset' is true or false, not {}", shown(*reset)));
    read.reset = reset->get<bool>();
  }
  if (const auto* removed = member(params, "remove")) {
    if (!removed->is_array() || !std::ranges::all_of(*removed, &json::is_string))
      return complaint("'remove' is an array of methods' names");
    for (const auto& name : *removed) read.removed.push_back(name.get<std::string>());
  }
  const auto* added = member(params, "add");
  if (added == nullptr) return read;
  if (!added->is_array())
    return complaint(fmt::format("'add' is an array of methods, not {}", shown(*added)));
  for (const auto& entry : *added) {
    auto method = read_remote_method(entry, limits);
    if (method) {
      read.added.push_back(std::move(*method));
    } else if (read.refused++ == 0) {
      read.complaint = std::move(method.error());
    }
  }
  return read;
}

std::expected<goaway_message, std::string> read_goaway(const json& params) {
  goaway_message read;
  if (params.is_null()) return read;
  if (!params.is_object())
    return complaint("$/goaway takes named params: {reason?, deadline_ms?, handover_ms?, conflict?}");
  if (auto wrong = read_string(params, "reason", read.reason)) return complaint(std::move(*wrong));
  if (const auto* conflict = member(params, "conflict")) {
    if (!conflict->is_boolean())
      return complaint(fmt::format("'conflict' is true or false, not {}", shown(*conflict)));
    read.conflict = conflict->get<bool>();
  }
  if (const auto* handover = member(params, "handover_ms")) {
    const auto ms = handover->is_number() ? handover->get<double>() : -1.0;
    if (!(ms >= 0))
      return complaint(fmt::format("'handover_ms' is a number from 0, not {}", shown(*handover)));
    read.handover = milliseconds(static_cast<std::int64_t>(std::min(ms, longest_handover_ms)));
  }
  return read;
}

}  // namespace weft
