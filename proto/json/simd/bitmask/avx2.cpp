#include "proto/json/simd/kernels.hpp"

#if defined(__x86_64__)

#include <bit>
#include <cstring>

#include <immintrin.h>

#include "proto/json/json_escape.hpp"

WEFT_TARGET_BEGIN("avx2,pclmul,bmi,bmi2")

#include "proto/json/simd/bitmask/walk.inc"

namespace weft::proto {
namespace {

/// 64 bytes as two halves; answers are masks, bit i for byte i.
class avx2_block {
 public:
  static avx2_block load(const char* at) noexcept { return {half(at), half(at + 32)}; }

  mask equal(char c) const noexcept {
    const __m256i wanted = _mm256_set1_epi8(c);
    return gather(_mm256_cmpeq_epi8(low_, wanted), _mm256_cmpeq_epi8(high_, wanted));
  }

  avx2_block with_bits(unsigned char bits) const noexcept {
    const __m256i added = _mm256_set1_epi8(static_cast<char>(bits));
    return {_mm256_or_si256(low_, added), _mm256_or_si256(high_, added)};
  }

  mask has_bit_5() const noexcept { return gather(_mm256_slli_epi16(low_, 2), _mm256_slli_epi16(high_, 2)); }

  /// From `first` to `last`, as unsigned bytes.
  mask between(unsigned char first, unsigned char last) const noexcept {
    return gather(is_between(low_, first, last), is_between(high_, first, last));
  }

  mask space() const noexcept { return gather(is_space(low_), is_space(high_)); }

  /// Any backslash, control character or byte that is not ASCII? The last two are below the space character
  /// as signed bytes.
  bool has_special() const noexcept {
    const __m256i either = _mm256_or_si256(is_special(low_), is_special(high_));
    return _mm256_movemask_epi8(either) != 0;
  }

  mask non_ascii() const noexcept { return gather(low_, high_); }

 private:
  avx2_block(__m256i low, __m256i high) noexcept : low_(low), high_(high) {}

  static __m256i half(const char* at) noexcept {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(at));
  }

  static mask gather(__m256i low, __m256i high) noexcept { return top_bits(low) | top_bits(high) << 32; }

  static mask top_bits(__m256i bytes) noexcept {
    return static_cast<std::uint32_t>(_mm256_movemask_epi8(bytes));
  }

  static __m256i is_special(__m256i bytes) noexcept {
    const __m256i backslash = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8('\\'));
    return _mm256_or_si256(backslash, _mm256_cmpgt_epi8(_mm256_set1_epi8(' '), bytes));
  }

  static __m256i is_between(__m256i bytes, unsigned char first, unsigned char last) noexcept {
    const __m256i from_first = _mm256_sub_epi8(bytes, _mm256_set1_epi8(static_cast<char>(first)));
    const __m256i width = _mm256_set1_epi8(static_cast<char>(last - first));
    return _mm256_cmpeq_epi8(_mm256_min_epu8(from_first, width), from_first);
  }

  // The four kinds of space differ in their low nibbles, so a look-up by nibble gives back the byte itself
  // for those and for no other.
  static __m256i is_space(__m256i bytes) noexcept {
    const __m256i spaces =
        _mm256_broadcastsi128_si256(_mm_setr_epi8(' ', 0, 0, 0, 0, 0, 0, 0, 0, '\t', '\n', 0, 0, '\r', 0, 0));
    return _mm256_cmpeq_epi8(bytes, _mm256_shuffle_epi8(spaces, bytes));
  }

  __m256i low_;
  __m256i high_;
};

}  // namespace

const char* accept_with_avx2(const char* at, const char* end, container_word levels,
                             std::size_t room) noexcept {
  rare_states rare(levels, room);
  return container_walk<avx2_block>(rare).run(at, end);
}

}  // namespace weft::proto

WEFT_TARGET_END

#endif
