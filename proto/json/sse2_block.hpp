// Questions about 16 bytes at once, answered as bit masks: bit i stands for byte i.
//
// SSE2 belongs to every x86-64; elsewhere the portable versions serve, and tests hold the two against each
// other.
#pragma once

#include <cstddef>
#include <cstdint>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace weft::proto {

inline constexpr std::size_t block_bytes = 16;

namespace portable {

inline bool is_string_stop(unsigned char c) noexcept {
  return c == '"' || c == '\\' || c < 0x20 || c >= 0x80;
}

inline std::uint32_t string_stops(const char* block) noexcept {
  std::uint32_t mask = 0;
  for (std::size_t i = 0; i < block_bytes; ++i) {
    mask |= static_cast<std::uint32_t>(is_string_stop(static_cast<unsigned char>(block[i]))) << i;
  }
  return mask;
}

inline bool has_string_stop_64(const char* bytes) noexcept {
  std::uint32_t any = 0;
  for (std::size_t i = 0; i < 64; i += block_bytes) any |= string_stops(bytes + i);
  return any != 0;
}

}  // namespace portable

#if defined(__SSE2__)

namespace sse2 {

inline __m128i load(const char* block) noexcept {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(block));
}

// The signed comparison catches control characters and, being negative, every non-ASCII byte as well.
inline __m128i string_stop_bytes(const char* block) noexcept {
  const __m128i bytes = load(block);
  const __m128i quote = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('"'));
  const __m128i backslash = _mm_cmpeq_epi8(bytes, _mm_set1_epi8('\\'));
  return _mm_or_si128(_mm_or_si128(quote, backslash), _mm_cmplt_epi8(bytes, _mm_set1_epi8(0x20)));
}

inline std::uint32_t string_stops(const char* block) noexcept {
  return static_cast<std::uint32_t>(_mm_movemask_epi8(string_stop_bytes(block)));
}

inline bool has_string_stop_64(const char* bytes) noexcept {
  const __m128i low = _mm_or_si128(string_stop_bytes(bytes), string_stop_bytes(bytes + 16));
  const __m128i high = _mm_or_si128(string_stop_bytes(bytes + 32), string_stop_bytes(bytes + 48));
  return _mm_movemask_epi8(_mm_or_si128(low, high)) != 0;
}

}  // namespace sse2

namespace native = sse2;

#else

namespace native = portable;

#endif

/// Bytes at which scanning a JSON string has to look closer: quote, backslash, control character, non-ASCII.
using native::string_stops;
/// Is there a `string_stops` byte among these 64?
using native::has_string_stop_64;

}  // namespace weft::proto
