// Numbers in JSON text. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace weft::proto {

/// The whole of `text` as a double, nothing when it is no number. One that is too large for a double is the
/// largest; one that is too small, but not zero, is the smallest that is not.
std::optional<double> parse_double(std::string_view text) noexcept;

/// The whole of `text` as a whole number from 0 that a double holds exactly, as ids of ours are; nothing when
/// it is none.
inline std::optional<std::uint64_t> parse_exact_number(std::string_view text) noexcept {
  constexpr std::size_t most_digits = 16;
  constexpr std::uint64_t most = std::uint64_t{1} << 53U;
  if (text.empty() || text.size() > most_digits) return std::nullopt;
  std::uint64_t number = 0;
  for (const char c : text) {
    const auto digit = static_cast<unsigned char>(c - '0');
    if (digit > 9) return std::nullopt;
    number = number * 10 + digit;
  }
  if (number > most) return std::nullopt;
  return number;
}

}  // namespace weft::proto
