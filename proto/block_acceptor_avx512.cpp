#include "proto/block_kernels.hpp"

#if defined(__x86_64__)

#include <bit>
#include <cstring>

#include <immintrin.h>

#include "proto/json_escape.hpp"

WEFT_TARGET_BEGIN("avx2,avx512f,avx512bw,pclmul,bmi,bmi2")

#include "proto/block_rules.hpp"

namespace weft::proto {
namespace {

/// 64 bytes; answers are masks, bit i for byte i.
class avx512_block {
 public:
  static avx512_block load(const char* at) noexcept { return {_mm512_loadu_si512(at)}; }

  /// The last `left` < 64 bytes before `end`, and NUL behind them.
  static avx512_block load_last(const char* end, std::size_t left) noexcept {
    return {_mm512_maskz_loadu_epi8((mask{1} << left) - 1, end - left)};
  }

  mask equal(char c) const noexcept { return _mm512_cmpeq_epi8_mask(bytes_, _mm512_set1_epi8(c)); }

  avx512_block with_bits(unsigned char bits) const noexcept {
    return {_mm512_or_si512(bytes_, _mm512_set1_epi8(static_cast<char>(bits)))};
  }

  mask has_bit_5() const noexcept { return _mm512_test_epi8_mask(bytes_, _mm512_set1_epi8(0x20)); }

  /// From `first` to `last`, as unsigned bytes.
  mask between(unsigned char first, unsigned char last) const noexcept {
    const __m512i from_first = _mm512_sub_epi8(bytes_, _mm512_set1_epi8(static_cast<char>(first)));
    return _mm512_cmple_epu8_mask(from_first, _mm512_set1_epi8(static_cast<char>(last - first)));
  }

  // The four kinds of space differ in their low nibbles, so a look-up by nibble gives back the byte itself
  // for those and for no other.
  mask space() const noexcept {
    const __m512i spaces =
        _mm512_broadcast_i32x4(_mm_setr_epi8(' ', 0, 0, 0, 0, 0, 0, 0, 0, '\t', '\n', 0, 0, '\r', 0, 0));
    return _mm512_cmpeq_epi8_mask(bytes_, _mm512_shuffle_epi8(spaces, bytes_));
  }

  /// Any backslash, control character or byte that is not ASCII? The last two are below the space character
  /// as signed bytes.
  bool has_special() const noexcept {
    const __mmask64 unprintable = _mm512_cmplt_epi8_mask(bytes_, _mm512_set1_epi8(' '));
    return _kortestz_mask64_u8(unprintable, _mm512_cmpeq_epi8_mask(bytes_, _mm512_set1_epi8('\\'))) == 0;
  }

  mask non_ascii() const noexcept { return _mm512_movepi8_mask(bytes_); }

 private:
  avx512_block(__m512i bytes) noexcept : bytes_(bytes) {}

  __m512i bytes_;
};

}  // namespace

const char* accept_with_avx512(const char* at, const char* end, container_word levels,
                               std::size_t room) noexcept {
  rare_states rare(levels, room);
  return container_walk<avx512_block>(rare).run(at, end);
}

}  // namespace weft::proto

WEFT_TARGET_END

#endif
