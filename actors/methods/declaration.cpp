#include "actors/methods/declaration.hpp"

#include <algorithm>
#include <array>
#include <unordered_set>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "actors/methods/method_pattern.hpp"

namespace weft {
namespace {

using nlohmann::json;
using complaint = std::unexpected<declaration_fault>;
using limit = declaration_fault::limit;

std::string dump(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string check_pattern(std::string_view pattern, std::size_t longest) {
  if (pattern.empty()) return "an entry of 'serves' is empty; write a method's name such as users.get";
  if (pattern.size() > longest) {
    return fmt::format("a method name of {} bytes is over the limit of {} (limits.method_name_bytes)",
                       pattern.size(), longest);
  }
  const auto star = pattern.find('*');
  if (star != pattern.npos && star != pattern.size() - 1)
    return fmt::format("'{}': a star stands only at the end, as in users.*", pattern);
  if (star != pattern.npos && !is_prefix_pattern(pattern)) {
    // "*" alone, ".*" and "users*": no prefix, or none that ends where a part of a name does.
    const auto prefix = pattern.substr(0, star);
    return fmt::format("'{}': a name and a dot stand before the star, as in {}.*", pattern,
                       prefix.empty() || prefix == "." ? "users" : prefix);
  }
  if (is_reserved_method(pattern)) {
    return fmt::format("'{}' is reserved: rpc.*, mesh.*, $/…, connect and heartbeat belong to the node",
                       pattern);
  }
  return {};
}

std::string unknown_member(const json& entry, std::string_view pattern) {
  constexpr std::array<std::string_view, 9> known{
      "method", "idempotent", "max_in_flight", "params", "result", "stream", "item", "input", "resumable"};
  for (const auto& [name, value] : entry.items()) {
    if (std::ranges::find(known, name) == known.end())
      return fmt::format("'{}': there is no member '{}' of 'serves'; there are {}", pattern, name,
                         fmt::join(known, ", "));
  }
  return {};
}

std::expected<served_method, declaration_fault> parse_entry(const json& entry, const limit_options& limits,
                                                            further_members further) {
  served_method method;
  if (entry.is_string()) {
    method.pattern = entry.get<std::string>();
  } else if (entry.is_object() && entry.contains("method") && entry["method"].is_string()) {
    method.pattern = entry["method"].get<std::string>();
    if (further == further_members::refused) {
      if (auto wrong = unknown_member(entry, method.pattern); !wrong.empty())
        return complaint(std::move(wrong));
    }
    for (const auto& [member, into] :
         {std::pair{"idempotent", &method.idempotent}, std::pair{"stream", &method.stream},
          std::pair{"resumable", &method.resumable}}) {
      const auto found = entry.find(member);
      if (found == entry.end()) continue;
      if (!found->is_boolean())
        return complaint(fmt::format("'{}': {} is true or false", method.pattern, member));
      *into = found->get<bool>();
    }
    if (method.resumable && !method.stream)
      return complaint(fmt::format("'{}': resumable is for a method with \"stream\": true", method.pattern));
    if (const auto found = entry.find("max_in_flight"); found != entry.end()) {
      constexpr std::uint32_t most = 1'000'000;
      if (!found->is_number_unsigned() || found->get<std::uint64_t>() < 1 ||
          found->get<std::uint64_t>() > most) {
        return complaint(fmt::format("'{}': max_in_flight is an integer from 1 to {}", method.pattern, most));
      }
      method.max_in_flight = found->get<std::uint32_t>();
    }
    for (const auto& [member, into] :
         {std::pair{"params", &method.params}, std::pair{"result", &method.result},
          std::pair{"item", &method.item}, std::pair{"input", &method.input}}) {
      const auto found = entry.find(member);
      if (found == entry.end()) continue;
      *into = shared_json(*found);
      if (into->bytes() > limits.schema_bytes) {
        return complaint(
            std::in_place,
            fmt::format("'{}': the schema of {} has {} bytes, the limit is {} (limits.schema_bytes)",
                        method.pattern, member, into->bytes(), limits.schema_bytes),
            limit::schema_bytes);
      }
    }
  } else {
    return complaint(
        R"(an entry of 'serves' is a method's name or {"method": name, "idempotent"?, "max_in_flight"?, )"
        R"("params"?, "result"?, "stream"?, "item"?, "input"?, "resumable"?})");
  }
  if (auto wrong = check_pattern(method.pattern, limits.method_name_bytes); !wrong.empty()) {
    return complaint(std::move(wrong));
  }
  return method;
}

}  // namespace

shared_json::shared_json(const json& value)
    : text_(value.is_null() ? nullptr : std::make_shared<const std::string>(dump(value))) {}

std::expected<std::vector<served_method>, declaration_fault> parse_serves(const json& serves,
                                                                          const limit_options& limits,
                                                                          further_members further) {
  if (!serves.is_array()) return complaint("'serves' is an array of methods");
  if (serves.size() > limits.served_methods_per_connection) {
    return complaint(std::in_place,
                     fmt::format("{} methods are over the limit of {} (limits.served_methods_per_connection)",
                                 serves.size(), limits.served_methods_per_connection),
                     limit::served_methods);
  }
  std::vector<served_method> methods;
  std::unordered_set<std::string> known;
  for (const auto& entry : serves) {
    auto method = parse_entry(entry, limits, further);
    if (!method) return complaint(std::move(method.error()));
    if (!known.insert(method->pattern).second) {
      return complaint(fmt::format("'{}' stands twice in 'serves'", method->pattern));
    }
    methods.push_back(std::move(*method));
  }
  return methods;
}

std::string to_json(const served_method& method, std::uint32_t instances) {
  auto entry = fmt::format(R"({{"method":{},"idempotent":{},"instances":{})", dump(method.pattern),
                           method.idempotent, instances);
  const auto add = [&](std::string_view member, std::string_view value) {
    entry += fmt::format(R"(,"{}":{})", member, value);
  };
  if (method.max_in_flight != 0) add("max_in_flight", std::to_string(method.max_in_flight));
  if (method.params) add("params", method.params.text());
  if (method.result) add("result", method.result.text());
  if (method.stream) add("stream", "true");
  if (method.resumable) add("resumable", "true");
  if (method.item) add("item", method.item.text());
  if (method.input) add("input", method.input.text());
  entry += '}';
  return entry;
}

}  // namespace weft
