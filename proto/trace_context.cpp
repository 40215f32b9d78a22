#include "proto/trace_context.hpp"

#include <cstddef>

namespace weft::proto {
namespace {

// version "-" trace-id "-" parent-id "-" trace-flags
constexpr std::size_t trace_id_at = 3;
constexpr std::size_t span_id_at = 36;
constexpr std::size_t flags_at = 53;
constexpr std::uint8_t defined_flags = 0x03;

constexpr std::string_view hex_digits = "0123456789abcdef";

/// Lower-case hex digits only, as the standard has it.
std::optional<std::uint64_t> read_hex(std::string_view digits) noexcept {
  std::uint64_t value = 0;
  for (const char c : digits) {
    const std::size_t digit = hex_digits.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    value = value << 4 | digit;
  }
  return value;
}

void write_hex(char* at, std::uint64_t value, std::size_t digits) noexcept {
  for (; digits > 0; --digits, value >>= 4) at[digits - 1] = hex_digits[value & 0xF];
}

bool has_shape(std::string_view value, std::uint64_t version) noexcept {
  if (value[2] != '-' || value[span_id_at - 1] != '-' || value[flags_at - 1] != '-') return false;
  return value.size() == traceparent_bytes || (version != 0 && value[traceparent_bytes] == '-');
}

}  // namespace

std::optional<trace_context> parse_traceparent(std::string_view value) noexcept {
  if (value.size() < traceparent_bytes) return std::nullopt;
  const auto version = read_hex(value.substr(0, 2));
  if (!version || *version == 0xFF || !has_shape(value, *version)) return std::nullopt;
  const auto high = read_hex(value.substr(trace_id_at, 16));
  const auto low = read_hex(value.substr(trace_id_at + 16, 16));
  const auto span_id = read_hex(value.substr(span_id_at, 16));
  const auto flags = read_hex(value.substr(flags_at, 2));
  if (!high || !low || !span_id || !flags) return std::nullopt;
  if ((*high | *low) == 0 || *span_id == 0) return std::nullopt;
  return trace_context{*high, *low, *span_id, static_cast<std::uint8_t>(*flags)};
}

trace_context child_of(const trace_context& parent, std::uint64_t new_span_id) noexcept {
  trace_context child = parent;
  child.span_id = new_span_id == 0 ? 1 : new_span_id;
  child.flags &= defined_flags;
  return child;
}

traceparent_text format_traceparent(const trace_context& context) noexcept {
  traceparent_text text;
  text.fill('-');
  write_hex(text.data(), 0, 2);
  write_hex(text.data() + trace_id_at, context.trace_id_high, 16);
  write_hex(text.data() + trace_id_at + 16, context.trace_id_low, 16);
  write_hex(text.data() + span_id_at, context.span_id, 16);
  write_hex(text.data() + flags_at, context.flags, 2);
  return text;
}

}  // namespace weft::proto
