// UTF-8 as of RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.
#pragma once

#include <cstddef>
#include <cstdint>

namespace weft::proto {

/// Length of the well-formed sequence that begins at `at` (< `end`); 0 when it is ill-formed or cut off.
inline std::size_t utf8_sequence_bytes(const char* at, const char* end) noexcept {
  const auto byte = [at](std::size_t i) { return static_cast<unsigned char>(at[i]); };
  const auto continues = [byte](std::size_t i) { return (byte(i) & 0xC0U) == 0x80U; };
  const auto left = static_cast<std::size_t>(end - at);
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead < 0xC2) return 0;
  if (lead < 0xE0) return left >= 2 && continues(1) ? 2 : 0;
  if (lead < 0xF0) {
    if (left < 3 || !continues(1) || !continues(2)) return 0;
    const bool overlong = lead == 0xE0 && byte(1) < 0xA0;
    const bool surrogate = lead == 0xED && byte(1) >= 0xA0;
    return overlong || surrogate ? 0 : 3;
  }
  if (lead > 0xF4 || left < 4 || !continues(1) || !continues(2) || !continues(3)) return 0;
  const bool overlong = lead == 0xF0 && byte(1) < 0x90;
  const bool too_high = lead == 0xF4 && byte(1) >= 0x90;
  return overlong || too_high ? 0 : 4;
}

/// Writes a code point's 1 to 4 bytes and returns the position behind them.
inline char* write_utf8(char* out, std::uint32_t code_point) noexcept {
  const auto put = [&out](std::uint32_t byte) { *out++ = static_cast<char>(byte); };
  const auto put_low_bits = [&](unsigned shift) { put(0x80U | ((code_point >> shift) & 0x3FU)); };
  if (code_point < 0x80) {
    put(code_point);
  } else if (code_point < 0x800) {
    put(0xC0U | (code_point >> 6));
    put_low_bits(0);
  } else if (code_point < 0x10000) {
    put(0xE0U | (code_point >> 12));
    put_low_bits(6);
    put_low_bits(0);
  } else {
    put(0xF0U | (code_point >> 18));
    put_low_bits(12);
    put_low_bits(6);
    put_low_bits(0);
  }
  return out;
}

}  // namespace weft::proto
