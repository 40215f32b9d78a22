// Arithmetic on masks in which bit i stands for byte i of a block, with carries into the next block.
//
// Kept free of other headers: the files that check blocks include this where more instructions are allowed
// (proto/block_kernels.hpp), and have included what it needs before.
#pragma once

namespace weft::proto {
namespace {

using mask = std::uint64_t;

/// The bytes right behind those of `from`. `carry` is 0 or 1, for the first byte of the next block.
inline mask behind(mask from, mask& carry) noexcept {
  const mask result = from << 1 | carry;
  carry = from >> 63;
  return result;
}

/// The first bytes behind those of `from` that are not among `skipped`, which holds none of `from`. Adding
/// lets a carry run through each run of skipped bytes that begins there, and leaves the other runs as they
/// are.
inline mask behind_run(mask from, mask skipped, mask& carry) noexcept {
  const mask sum = (from << 1 | carry) + skipped;
  carry = (from | (skipped & ~sum)) >> 63;
  return sum & ~skipped;
}

/// The first bytes behind those of `from` that are not among `skipped`, which holds all of `from`.
inline mask end_of_run(mask from, mask skipped, mask& carry) noexcept {
  const mask sum = from + skipped + carry;
  carry = static_cast<mask>(sum < skipped);
  return sum & ~skipped;
}

/// From each odd-numbered bit of `toggles` to before the next: a carry-less product with all ones is the xor
/// of all the bits before.
inline mask from_odd_to_even(mask toggles) noexcept {
  const __m128i product =
      _mm_clmulepi64_si128(_mm_set_epi64x(0, static_cast<long long>(toggles)), _mm_set1_epi8('\xFF'), 0);
  return static_cast<mask>(_mm_cvtsi128_si64(product));
}

/// The bits of `bits` at the places of `places`, moved together.
inline mask compress(mask bits, mask places) noexcept {
  return _pext_u64(bits, places);
}

/// The reverse.
inline mask expand(mask bits, mask places) noexcept {
  return _pdep_u64(bits, places);
}

/// All bits if `condition`, else none.
inline mask all_if(bool condition) noexcept {
  return mask{0} - static_cast<mask>(condition);
}

inline mask lowest_bit(mask bits) noexcept {
  return bits & (mask{0} - bits);
}

}  // namespace
}  // namespace weft::proto
