// What a JSON text takes in memory as a value.
#pragma once

#include <cstddef>
#include <string_view>

namespace weft::proto {

/// About what nlohmann_json 3.11 takes for `text`, never much less: 16 bytes a value in a vector that may
/// have room for as many more, a block of its own for each array, object and string, a tree node for each
/// member. Brackets and commas within strings count as well. Pure function.
inline std::size_t value_bytes(std::string_view text) noexcept {
  constexpr std::size_t per_value = 32;
  constexpr std::size_t per_container = 48;
  constexpr std::size_t per_member = 80;
  std::size_t values = 0;
  std::size_t containers = 0;
  std::size_t members = 0;
  for (const char c : text) {
    values += c == ',' ? 1 : 0;
    containers += c == '[' || c == '{' ? 1 : 0;
    members += c == ':' ? 1 : 0;
  }
  return text.size() + values * per_value + containers * per_container + members * per_member;
}

}  // namespace weft::proto
