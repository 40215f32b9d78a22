#include "node/config/units.hpp"

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>

namespace weft::proto {
namespace {

struct unit {
  std::string_view name;
  std::int64_t factor;
};

constexpr unit duration_units[] = {
    {"ns", 1},
    {"us", 1'000},
    {"ms", 1'000'000},
    {"s", 1'000'000'000},
    {"m", 60'000'000'000},
    {"h", 3'600'000'000'000},
};

constexpr std::int64_t kibi = 1024;
constexpr unit size_units[] = {
    {"B", 1},
    {"kB", 1'000},
    {"MB", 1'000'000},
    {"GB", 1'000'000'000},
    {"TB", 1'000'000'000'000},
    {"KiB", kibi},
    {"MiB", kibi* kibi},
    {"GiB", kibi* kibi* kibi},
    {"TiB", kibi* kibi* kibi* kibi},
};

/// What is measured, for parsing and for saying what is wrong.
struct quantity {
  std::string_view name;
  std::string_view smallest;
  std::string_view example;
  std::string_view choices;
  std::span<const unit> units;
};

constexpr quantity duration_quantity{"duration", "nanosecond", "200ms", "ns, us, ms, s, m or h",
                                     duration_units};
constexpr quantity size_quantity{"size", "byte", "64KiB", "B, kB, MB, GB, TB, KiB, MiB, GiB or TiB",
                                 size_units};

/// So that the largest unit times the fraction stays within 64 bits.
constexpr std::size_t max_fraction_digits = 6;

std::unexpected<std::string> refuse(std::string_view text, std::string_view complaint) {
  return std::unexpected("\"" + std::string(text) + "\" " + std::string(complaint));
}

std::string_view take_digits(std::string_view& text) {
  const auto end = std::ranges::find_if(text, [](char c) { return c < '0' || c > '9'; });
  const std::string_view digits(text.begin(), end);
  text.remove_prefix(digits.size());
  return digits;
}

/// False on overflow.
bool read_integer(std::string_view digits, std::int64_t& value) {
  value = 0;
  for (const char c : digits) {
    if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, c - '0', &value))
      return false;
  }
  return true;
}

/// A number taken apart, as digits before and after its point.
struct decimal {
  std::string_view whole;
  std::string_view fraction;
};

/// The number times the unit's factor, which must come out whole.
std::expected<std::int64_t, std::string> multiply(std::string_view text, const decimal& number,
                                                  const unit& scale, const quantity& kind) {
  std::int64_t whole = 0;
  if (!read_integer(number.whole, whole) || __builtin_mul_overflow(whole, scale.factor, &whole)) {
    return refuse(text, "is too large for a " + std::string(kind.name));
  }
  std::int64_t fraction = 0;
  std::int64_t denominator = 1;
  for (const char c : number.fraction) {
    fraction = fraction * 10 + (c - '0');
    denominator *= 10;
  }
  fraction *= scale.factor;
  if (fraction % denominator != 0) {
    return refuse(text, "is no whole number of " + std::string(kind.smallest) +
                            "s; use a smaller unit or fewer digits");
  }
  if (__builtin_add_overflow(whole, fraction / denominator, &whole)) {
    return refuse(text, "is too large for a " + std::string(kind.name));
  }
  return whole;
}

std::expected<std::int64_t, std::string> parse(std::string_view text, const quantity& kind) {
  const std::string what_is_right =
      "write a number and its unit, " + std::string(kind.choices) + ", such as " + std::string(kind.example);
  std::string_view rest = text;
  decimal number{take_digits(rest), {}};
  bool complete = !number.whole.empty();
  if (complete && rest.starts_with('.')) {
    rest.remove_prefix(1);
    number.fraction = take_digits(rest);
    complete = !number.fraction.empty();
  }
  if (!complete) return refuse(text, "is no " + std::string(kind.name) + "; " + what_is_right);
  if (rest.empty()) return refuse(text, "has no unit; " + what_is_right);
  const auto scale = std::ranges::find(kind.units, rest, &unit::name);
  if (scale == kind.units.end()) {
    return refuse(text, "has the unknown unit \"" + std::string(rest) + "\"; " + what_is_right);
  }
  if (number.fraction.size() > max_fraction_digits) {
    return refuse(text, "has more than six digits after the point; use a smaller unit");
  }
  return multiply(text, number, *scale, kind);
}

/// In the largest of the units that leaves no fraction.
std::string format(std::uint64_t value, std::span<const unit> units) {
  const unit* best = &units.front();
  for (const unit& candidate : units) {
    const auto factor = static_cast<std::uint64_t>(candidate.factor);
    if (value != 0 && value % factor == 0 && candidate.factor > best->factor) best = &candidate;
  }
  return std::to_string(value / static_cast<std::uint64_t>(best->factor)) + std::string(best->name);
}

}  // namespace

std::expected<std::chrono::nanoseconds, std::string> parse_duration(std::string_view text) {
  auto count = parse(text, duration_quantity);
  if (!count) return std::unexpected(std::move(count.error()));
  return std::chrono::nanoseconds(*count);
}

std::expected<std::size_t, std::string> parse_size(std::string_view text) {
  auto count = parse(text, size_quantity);
  if (!count) return std::unexpected(std::move(count.error()));
  return static_cast<std::size_t>(*count);
}

std::string format_duration(std::chrono::nanoseconds duration) {
  const std::int64_t count = duration.count();
  if (count == 0) return "0s";
  const auto magnitude = static_cast<std::uint64_t>(count);
  return count < 0 ? "-" + format(-magnitude, duration_units) : format(magnitude, duration_units);
}

std::string format_size(std::size_t bytes) {
  return format(bytes, size_units);
}

}  // namespace weft::proto
