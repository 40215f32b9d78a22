// Patterns of methods' names, and settings by pattern as in "users.*=64". Pure functions.
//
// A pattern is a name, or ends with a star and covers every name, and every other pattern, that begins as it
// does. What a service registers is narrower: a name or `prefix.*` (`is_prefix_pattern`).
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "actors/config/options.hpp"

namespace weft {

/// Names that no service may claim: `rpc.*`, `mesh.*`, `$/…`, `connect`, `heartbeat`.
inline bool is_reserved_method(std::string_view name) noexcept {
  return name.starts_with("rpc.") || name.starts_with("mesh.") || name.starts_with("$/") ||
         name == "connect" || name == "heartbeat";
}

inline bool is_prefix_pattern(std::string_view pattern) noexcept {
  return pattern.size() > 2 && pattern.ends_with(".*");
}

inline bool pattern_covers(std::string_view pattern, std::string_view name) noexcept {
  if (!pattern.ends_with('*')) return pattern == name;
  pattern.remove_suffix(1);
  return name.starts_with(pattern);
}

/// The value of the first rule that covers the name, empty when there is none.
inline std::string_view rule_for(std::span<const method_rule> rules, std::string_view name) noexcept {
  for (const auto& rule : rules) {
    if (pattern_covers(rule.pattern, name)) return rule.value;
  }
  return {};
}

inline std::optional<std::uint32_t> parse_rule_number(std::string_view value, std::uint32_t least,
                                                      std::uint32_t most) noexcept {
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (error != std::errc() || end != value.data() + value.size()) return std::nullopt;
  if (number < least || number > most) return std::nullopt;
  return number;
}

/// The number of the first rule that covers the name, 0 when there is none.
inline std::uint32_t number_for(std::span<const method_rule> rules, std::string_view name) noexcept {
  return parse_rule_number(rule_for(rules, name), 0, UINT32_MAX).value_or(0);
}

}  // namespace weft
