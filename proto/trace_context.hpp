// W3C Trace Context (https://www.w3.org/TR/trace-context/): the value of `traceparent`. Pure functions;
// whoever calls them brings the random ids.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace weft::proto {

/// The trace, and the span in it that speaks.
struct trace_context {
  std::uint64_t trace_id_high = 0;
  std::uint64_t trace_id_low = 0;
  std::uint64_t span_id = 0;
  /// Bit 0: sampled; bit 1: the trace id is random. Others mean nothing yet.
  std::uint8_t flags = 0;

  bool sampled() const noexcept { return (flags & 1U) != 0; }
  friend bool operator==(const trace_context&, const trace_context&) = default;
};

inline constexpr std::size_t traceparent_bytes = 55;
using traceparent_text = std::array<char, traceparent_bytes>;

/// Reads a value without quotes. Nothing when the standard says to ignore it: wrong shape, upper-case digits,
/// an id of zeros, version ff, or more than version 00 defines. Of later versions it reads the part that
/// version 00 has.
std::optional<trace_context> parse_traceparent(std::string_view value) noexcept;

/// The same trace, spoken of by a new span; flags that mean nothing yet are cleared, as the standard asks. An
/// id of 0 is not valid and is replaced by 1.
trace_context child_of(const trace_context& parent, std::uint64_t new_span_id) noexcept;

/// As version 00, without quotes.
traceparent_text format_traceparent(const trace_context& context) noexcept;

inline std::string_view view(const traceparent_text& text) noexcept {
  return {text.data(), text.size()};
}

}  // namespace weft::proto
