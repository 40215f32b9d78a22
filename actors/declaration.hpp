// What a service says of itself with `connect`: which methods it serves, and how they may be called.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "actors/options.hpp"

namespace weft {

struct served_method {
  /// A method's exact name, or `prefix.*` for every method that begins with `prefix.`.
  std::string pattern;
  bool idempotent = false;
  /// Calls that one instance takes at a time; 0 leaves it to the other limits.
  std::uint32_t max_in_flight = 0;
  /// JSON schemas for `rpc.discover`, null when the service gave none.
  nlohmann::json params;
  nlohmann::json result;

  friend bool operator==(const served_method&, const served_method&) = default;
};

struct service_declaration {
  std::string name;
  std::string instance;
  std::vector<served_method> serves;
};

/// Reads `serves`. On failure the sentence names the entry that was wrong and what would be right.
std::expected<std::vector<served_method>, std::string> parse_serves(const nlohmann::json& serves,
                                                                    const limit_options& limits);
/// One entry in the form that `parse_serves` reads; nodes tell each other their methods in it, too.
nlohmann::json to_json(const served_method& method);

bool is_prefix_pattern(std::string_view pattern) noexcept;

}  // namespace weft
