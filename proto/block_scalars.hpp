// Numbers and literals in blocks of 64 bytes (proto/block_rules.hpp): wrong ones as a mask.
//
// Kept free of other headers, as proto/block_masks.hpp is.
#pragma once

#include "proto/block_masks.hpp"

namespace weft::proto {
namespace {

/// `true`, `false` and `null`, compared as words. Returns the length of the one that stands at `at`, 0 for
/// none.
inline unsigned literal_bytes(const char* at, const char* end) noexcept {
  // A container has at least its closing bracket behind a literal.
  if (end - at < 5) return 0;
  const auto starts_with = [at](const char* word) { return std::memcmp(at, word, 4) == 0; };
  if (starts_with("true") || starts_with("null")) return 4;
  return starts_with("fals") && at[4] == 'e' ? 5 : 0;
}

class block_literals {
 public:
  /// May any of a block's bytes belong to a literal, or have one right before it?
  bool concern(mask starts) const noexcept { return (starts | carried_ | behind_) != 0; }

  /// Finds what begins at `starts`. What is no literal is added to `wrong`, and so is what goes on behind
  /// one. Returns the literals' bytes.
  mask find(mask starts, mask scalars, const char* at, const char* end, mask& wrong) noexcept {
    mask found = carried_;
    carried_ = 0;
    for (; starts != 0; starts &= starts - 1) {
      const int first = std::countr_zero(starts);
      const unsigned length = literal_bytes(at + first, end);
      const mask bytes = (mask{1} << length) - 1;
      found |= bytes << first;
      carried_ |= bytes >> 1 >> (63 - first);
      if (length == 0) wrong |= lowest_bit(starts);
    }
    wrong |= behind(found, behind_) & scalars & ~found;
    return found;
  }

 private:
  mask carried_ = 0;
  mask behind_ = 0;
};

/// `bytes` are those of all numbers; digits, minuses and dots are some of them.
struct number_masks {
  mask bytes;
  mask starts;
  mask digits;
  mask minuses;
  mask dots;
};

struct exponent_state {
  mask behind_e = 0;
  mask behind_sign = 0;
  mask in_digits = 0;
  /// Any of them.
  mask pending = 0;
};

/// Numbers with an exponent, and all that does not belong into a number.
template <class Block>
[[gnu::noinline]] mask wrong_exponents(exponent_state& state, const number_masks& in, Block block) noexcept {
  const mask others = in.bytes & ~(in.digits | in.minuses | in.dots);
  const mask es = others & block.with_bits(0x20).equal('e');
  const mask pluses = others & block.equal('+');
  const mask behind_e = behind(es, state.behind_e);
  const mask signs = (pluses | in.minuses) & behind_e;
  const mask behind_sign = behind(signs, state.behind_sign);

  // What may stand before an e follows from what may stand behind all else that is no digit.
  mask wrong = others & ~(es | pluses);
  wrong |= behind_e & ~(in.digits | signs);
  wrong |= behind_sign & ~in.digits;
  wrong |= (pluses | (in.minuses & ~in.starts)) & ~behind_e;

  mask sum = 0;
  const mask starts = ((behind_e | behind_sign) & in.digits) | state.in_digits;
  state.in_digits = static_cast<mask>(__builtin_add_overflow(starts, in.digits, &sum));
  state.pending = state.behind_e | state.behind_sign | state.in_digits;
  return wrong | (sum & ~in.digits & (in.dots | es));
}

}  // namespace
}  // namespace weft::proto
