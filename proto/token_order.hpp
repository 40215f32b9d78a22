// Which token may follow which.
//
// Kept free of other headers, as proto/block_masks.hpp is.
#pragma once

#include "proto/token_stream.hpp"

namespace weft::proto {
namespace {

namespace token {

inline constexpr std::uint8_t values = string | scalar | opening;
inline constexpr std::uint8_t behind_values = comma | closing;
inline constexpr std::uint8_t all = 0xFF;
inline constexpr std::uint8_t all_but_colon = all & ~colon;

/// By the bits of the classes: both braces, both brackets, comma, colon, string, scalar.
inline constexpr follow_table followers({string | close_brace, behind_values, values | close_bracket,
                                         behind_values, values, values, behind_values | colon,
                                         behind_values});

/// The next but one: only a name is followed by a colon, and a name stands behind a brace or a comma.
inline constexpr follow_table next_followers({all, all_but_colon, all_but_colon, all_but_colon, all,
                                              all_but_colon, all_but_colon, all_but_colon});

}  // namespace token

/// May any token not be where it is, up to the two behind the first `count`?
template <std::size_t most>
bool has_wrong_order(const byte_queue<most>& tokens, std::size_t count) noexcept {
  __m512i wrong = _mm512_setzero_si512();
  mask unnamed = 0;
  for (std::size_t i = 0; i < count; i += 64) {
    const __m512i first = tokens.at(i);
    const __m512i second = tokens.at(i + 1);
    const __m512i third = tokens.at(i + 2);
    add_others(wrong, second, token::followers(first));
    add_others(wrong, third, token::next_followers(first));
    unnamed |= among(first, token::open_brace) & among(second, token::string) & ~among(third, token::colon) &
               first_of(count - i);
  }
  return (unnamed | _mm512_test_epi8_mask(wrong, wrong)) != 0;
}

}  // namespace
}  // namespace weft::proto
