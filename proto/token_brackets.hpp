// Which bracket closes which, and what objects hold that arrays do not.
//
// Brackets and commas say of the container they belong to that it is an object, or an array. All those of one
// container are at the same depth, with nothing but deeper ones between them, so among those of a depth each
// but an opening one must agree with the one before it. That takes no stack and no loop over brackets: depths
// are sums, and eight depths are compared at once.
//
// Kept free of other headers, as proto/block_masks.hpp is.
#pragma once

#include "proto/token_stream.hpp"

namespace weft::proto {
namespace {

/// For each of 64 bytes the sum of those up to it.
inline __m512i sums_of(__m512i bytes) noexcept {
  bytes = _mm512_add_epi8(bytes, _mm512_slli_epi64(bytes, 8));
  bytes = _mm512_add_epi8(bytes, _mm512_slli_epi64(bytes, 16));
  bytes = _mm512_add_epi8(bytes, _mm512_slli_epi64(bytes, 32));
  // From here on, the last byte of a half goes to all of the next half.
  const auto add_last = [&bytes](mask receivers, __m512i last) {
    bytes = _mm512_add_epi8(bytes, _mm512_maskz_permutexvar_epi8(receivers, last, bytes));
  };
  add_last(0xFF00'FF00'FF00'FF00, _mm512_set_epi64(0x3737373737373737, 0, 0x2727272727272727, 0,
                                                   0x1717171717171717, 0, 0x0707070707070707, 0));
  add_last(0xFFFF'0000'FFFF'0000, _mm512_set_epi64(0x2F2F2F2F2F2F2F2F, 0x2F2F2F2F2F2F2F2F, 0, 0,
                                                   0x0F0F0F0F0F0F0F0F, 0x0F0F0F0F0F0F0F0F, 0, 0));
  add_last(0xFFFF'FFFF'0000'0000, _mm512_set1_epi8(31));
  return bytes;
}

/// Orders of bytes that, with a multiplication of bit matrices between them, make of the bits of 64 bytes
/// eight masks, one for each bit.
struct bit_transposition {
  alignas(64) std::uint8_t reversed_rows[64];
  alignas(64) std::uint8_t bytes_by_bit[64];

  constexpr bit_transposition() noexcept : reversed_rows{}, bytes_by_bit{} {
    for (unsigned i = 0; i < 64; ++i) {
      reversed_rows[i] = static_cast<std::uint8_t>(i ^ 7);
      bytes_by_bit[i] = static_cast<std::uint8_t>(i % 8 * 8 + i / 8);
    }
  }
};

inline constexpr bit_transposition transposition;

/// The containers around a position.
class bracket_levels {
 public:
  bracket_levels(container_word levels, std::size_t room) noexcept
      : depth_(63 - std::countl_zero(levels)),
        room_(static_cast<int>(room < acceptor_depth ? room : acceptor_depth)) {
    for (int i = 0; i < depth_; ++i) objects_ = objects_ << 1 | (levels >> i & 1);
  }

  bool wrong() const noexcept { return wrong_ != 0; }

  /// Would these tokens end the outermost container?
  bool end_with(const std::uint8_t* tokens, std::size_t count) const noexcept {
    int depth = depth_;
    for (std::size_t i = 0; i < count; ++i) {
      if ((tokens[i] & token::opening) != 0) ++depth;
      if ((tokens[i] & token::closing) != 0 && --depth == 0) return true;
    }
    return false;
  }

  /// Follows brackets and commas; a comma with `token::colon` besides belongs to an object. Returns which
  /// of the 64 ends the outermost container; 64 if none does.
  [[gnu::always_inline]] int follow(__m512i tokens) noexcept {
    const mask opens = among(tokens, token::opening);
    const mask closes = among(tokens, token::closing);
    mask here = _mm512_test_epi8_mask(tokens, tokens);
    // A bracket's depth is that of its inside.
    const __m512i up = _mm512_maskz_set1_epi8(opens, 1);
    const __m512i steps = _mm512_mask_sub_epi8(up, closes << 1, up, _mm512_set1_epi8(1));
    const __m512i depths = _mm512_add_epi8(sums_of(steps), _mm512_set1_epi8(static_cast<char>(depth_)));
    const mask ends = _mm512_cmpeq_epi8_mask(depths, _mm512_set1_epi8(1)) & closes;
    here &= ends ^ (ends - 1);
    depth_ += std::popcount(opens) - std::popcount(closes);
    agree(here, depths, opens, among(tokens, token::braces | token::colon));
    return std::countr_zero(ends);
  }

 private:
  /// Does each of `left` but the opening ones agree with the one before at its depth?
  [[gnu::always_inline]] void agree(mask left, __m512i depths, mask opens, mask objects) noexcept {
    wrong_ |= _mm512_cmpgt_epi8_mask(depths, _mm512_set1_epi8(static_cast<char>(room_))) & left;
    for (int outer = 0; left != 0 && wrong_ == 0; outer += 8) {
      agree_on_eight(outer, places_by_depth(left, depths, outer), opens, objects);
      left &= _mm512_cmpgt_epi8_mask(depths, _mm512_set1_epi8(static_cast<char>(outer + 8)));
    }
  }

  /// A mask for each of the eight depths below `outer`: which of `left` are at that depth.
  [[gnu::always_inline]] static __m512i places_by_depth(mask left, __m512i depths, int outer) noexcept {
    constexpr auto one_bit_each = static_cast<long long>(0x80'40'20'10'08'04'02'01);
    const __m512i bit_of_depth = _mm512_zextsi128_si512(_mm_cvtsi64_si128(one_bit_each));
    const __m512i first = _mm512_set1_epi8(static_cast<char>(outer + 1));
    const __m512i bits = _mm512_maskz_permutexvar_epi8(left, _mm512_sub_epi8(depths, first), bit_of_depth);
    const __m512i reversed = _mm512_shuffle_epi8(bits, _mm512_load_si512(transposition.reversed_rows));
    const __m512i columns = _mm512_gf2p8affine_epi64_epi8(_mm512_set1_epi64(one_bit_each), reversed, 0);
    return _mm512_permutexvar_epi8(_mm512_load_si512(transposition.bytes_by_bit), columns);
  }

  [[gnu::always_inline]] void agree_on_eight(int outer, __m512i places, mask opens, mask objects) noexcept {
    // As behind_run(), for eight masks: which places are the next ones behind those of objects?
    const __m512i of_objects = _mm512_and_si512(places, _mm512_set1_epi64(static_cast<long long>(objects)));
    const __m512i known = _mm512_maskz_set1_epi64(static_cast<__mmask8>(objects_ >> outer), 1);
    const __m512i skipped = _mm512_xor_si512(places, _mm512_set1_epi64(-1));
    const __m512i sum = _mm512_add_epi64(_mm512_or_si512(_mm512_slli_epi64(of_objects, 1), known), skipped);
    const __m512i last = _mm512_or_si512(of_objects, _mm512_andnot_si512(sum, skipped));
    const __m512i bound = _mm512_andnot_si512(_mm512_set1_epi64(static_cast<long long>(opens)), places);
    wrong_ |= _mm512_test_epi64_mask(_mm512_xor_si512(sum, of_objects), bound);
    objects_ = (objects_ & ~(mask{0xFF} << outer)) | mask{_mm512_movepi64_mask(last)} << outer;
  }

  /// Which levels are objects, the outermost in bit 0.
  mask objects_ = 0;
  int depth_;
  int room_;
  mask wrong_ = 0;
};

}  // namespace
}  // namespace weft::proto
