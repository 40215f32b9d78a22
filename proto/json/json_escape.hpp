// The escapes of JSON strings: \uXXXX units, surrogate halves, and decoding a string's content.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace weft::proto {

inline std::int32_t hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

/// The UTF-16 unit of four hex digits; -1 when there are no four.
inline std::int32_t hex_unit(const char* at, const char* end) noexcept {
  if (end - at < 4) return -1;
  std::int32_t unit = 0;
  for (int i = 0; i < 4; ++i) {
    const std::int32_t digit = hex_digit(at[i]);
    if (digit < 0) return -1;
    unit = unit << 4 | digit;
  }
  return unit;
}

inline bool is_surrogate(std::int32_t unit) noexcept {
  return unit >= 0xD800 && unit <= 0xDFFF;
}
inline bool is_high_surrogate(std::int32_t unit) noexcept {
  return unit >= 0xD800 && unit <= 0xDBFF;
}
inline bool is_low_surrogate(std::int32_t unit) noexcept {
  return unit >= 0xDC00 && unit <= 0xDFFF;
}

/// Decodes a string's content (without quotes) to `out`, which needs room for `content.size()` bytes: no
/// escape is shorter than what it stands for. Returns the length. Escapes that no scanner accepts are copied
/// as they are.
std::size_t decode_escapes(std::string_view content, char* out) noexcept;

/// For comparing with names and words that are short: decodes into `buffer` when there are escapes. Empty
/// when the content does not fit, which then is longer than anything it may be compared with: no escape is
/// longer than six times what it stands for.
inline std::string_view decode_short(std::string_view content, std::span<char> buffer) noexcept {
  if (content.find('\\') == std::string_view::npos) return content;
  if (content.size() > buffer.size()) return {};
  return {buffer.data(), decode_escapes(content, buffer.data())};
}

}  // namespace weft::proto
