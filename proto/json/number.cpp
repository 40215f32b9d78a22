#include "proto/json/number.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

namespace weft::proto {
namespace {

/// Is a number that no double can hold, so that only its order of magnitude matters, beyond 1?
/// `std::from_chars` tells overflow and underflow by the same error.
bool is_huge(std::string_view text) noexcept {
  if (text.starts_with('-')) text.remove_prefix(1);
  const auto e = text.find_first_of("eE");
  const auto digits = text.substr(0, e);
  // Where the first digit that counts stands, relative to the point.
  const auto point = std::min(digits.find('.'), digits.size());
  const auto first = digits.find_first_of("123456789");
  if (first == digits.npos) return false;
  const auto before =
      first < point ? static_cast<double>(point - first) : -static_cast<double>(first - point - 1);
  double exponent = 0;
  if (e != text.npos) {
    auto power = text.substr(e + 1);
    if (power.starts_with('+')) power.remove_prefix(1);
    const bool negative = power.starts_with('-');
    if (negative) power.remove_prefix(1);
    for (const char c : power) exponent = exponent * 10 + (c - '0');
    if (negative) exponent = -exponent;
  }
  return before + exponent > 0;
}

}  // namespace

std::optional<double> parse_double(std::string_view text) noexcept {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (end != text.data() + text.size() || text.empty()) return std::nullopt;
  if (error == std::errc()) return value;
  if (error != std::errc::result_out_of_range) return std::nullopt;
  using limits = std::numeric_limits<double>;
  const double magnitude = is_huge(text) ? limits::max() : limits::denorm_min();
  return text.front() == '-' ? -magnitude : magnitude;
}

}  // namespace weft::proto
