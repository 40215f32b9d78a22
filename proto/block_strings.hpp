// What strings may hold besides plain ASCII, in blocks of 64 bytes (proto/block_acceptor.hpp): escapes and
// UTF-8.
//
// Kept free of other headers, as proto/block_masks.hpp is.
#pragma once

#include "proto/block_masks.hpp"

namespace weft::proto {
namespace {

struct escape_state {
  /// 1 when the next block's first byte is escaped.
  mask escaped = 0;
  /// Where the low half of a surrogate pair has to stand, and no other may.
  const char* low_half = nullptr;

  bool pending() const noexcept { return escaped != 0; }
};

/// What follows `\u` at `at`. A high surrogate half needs the low one behind it.
inline bool is_escaped_unit(const char* at, const char* end, const char*& low_half) noexcept {
  const std::int32_t unit = hex_unit(at + 2, end);
  if (!is_surrogate(unit)) return unit >= 0;
  if (is_low_surrogate(unit)) return at == low_half;
  low_half = at + 6;
  return end - at >= 12 && at[6] == '\\' && at[7] == 'u' && is_low_surrogate(hex_unit(at + 8, end));
}

inline bool is_escape(const char* at, const char* end, const char*& low_half) noexcept {
  if (end - at < 2) return false;
  switch (at[1]) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
      return true;
    case 'u':
      return is_escaped_unit(at, end, low_half);
    default:
      return false;
  }
}

/// Which bytes have backslashes before them that count; escapes that do not exist are added to `wrong`. One
/// step for each: escapes are rare enough, and each has to be looked at anyway.
inline mask find_escapes(escape_state& state, mask backslashes, const char* at, const char* end,
                         mask& wrong) noexcept {
  mask escaped = state.escaped;
  state.escaped = 0;
  backslashes &= ~escaped;
  while (backslashes != 0) {
    const mask bit = lowest_bit(backslashes);
    escaped |= bit << 1;
    state.escaped = bit >> 63;
    if (!is_escape(at + std::countr_zero(backslashes), end, state.low_half)) wrong |= bit;
    backslashes &= ~(bit | bit << 1);
  }
  return escaped;
}

/// What the next block has to begin with.
struct utf8_state {
  mask continuations = 0;
  mask behind_e0 = 0;
  mask behind_ed = 0;
  mask behind_f0 = 0;
  mask behind_f4 = 0;

  bool pending() const noexcept { return continuations != 0; }
};

/// UTF-8 as of RFC 3629: every leading byte says how many continuations follow it, and four of them narrow
/// down the first one.
template <class Block>
mask wrong_utf8(utf8_state& state, const Block& block) noexcept {
  const mask of_2 = block.between(0xC2, 0xDF);
  const mask of_3 = block.between(0xE0, 0xEF);
  const mask of_4 = block.between(0xF0, 0xF4);
  const mask continuations = block.between(0x80, 0xBF);
  const mask leads = of_2 | of_3 | of_4;
  const mask expected = state.continuations | leads << 1 | (of_3 | of_4) << 2 | of_4 << 3;
  state.continuations = leads >> 63 | (of_3 | of_4) >> 62 | of_4 >> 61;

  mask wrong = expected ^ continuations;
  wrong |= block.non_ascii() & ~(leads | continuations);
  wrong |= behind(block.equal('\xE0'), state.behind_e0) & ~block.between(0xA0, 0xBF);
  wrong |= behind(block.equal('\xED'), state.behind_ed) & ~block.between(0x80, 0x9F);
  wrong |= behind(block.equal('\xF0'), state.behind_f0) & ~block.between(0x90, 0xBF);
  wrong |= behind(block.equal('\xF4'), state.behind_f4) & ~block.between(0x80, 0x8F);
  return wrong;
}

struct string_states {
  escape_state escapes;
  utf8_state utf8;

  /// All bits if the next block has to be looked at, whatever it holds.
  mask pending = 0;
};

struct unescaped {
  mask all;
  mask wrong;
};

/// The quotes of a block that holds backslashes, control characters or what is not ASCII, and what is wrong
/// about these in strings.
template <class Block>
[[gnu::noinline]] unescaped check_strings(string_states& states, Block block, mask in_string, const char* at,
                                          const char* end) noexcept {
  unescaped quotes{.all = block.equal('"'), .wrong = 0};
  const mask backslashes = block.equal('\\');
  if (backslashes != 0 || states.escapes.pending()) {
    quotes.all &= ~find_escapes(states.escapes, backslashes, at, end, quotes.wrong);
  }
  const mask non_ascii = block.non_ascii();
  const mask strings = from_odd_to_even(quotes.all) ^ in_string;
  quotes.wrong |= block.between(0, 0x1F) & strings;
  if ((non_ascii & strings) != 0 || states.utf8.pending()) quotes.wrong |= wrong_utf8(states.utf8, block);
  states.pending = all_if(states.escapes.pending() || states.utf8.pending());
  return quotes;
}

}  // namespace
}  // namespace weft::proto
