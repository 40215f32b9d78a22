// Numbers and literals, from a stream that holds nothing else: each is followed by one byte that ends it.
//
// Kept free of other headers, as proto/block_masks.hpp is.
#pragma once

#include "proto/token_stream.hpp"

namespace weft::proto {
namespace {

namespace scalar {

inline constexpr std::uint8_t end = 0x01;
inline constexpr std::uint8_t minus = 0x02;
inline constexpr std::uint8_t zero = 0x04;
inline constexpr std::uint8_t other_digit = 0x08;
inline constexpr std::uint8_t dot = 0x10;
inline constexpr std::uint8_t e = 0x20;
inline constexpr std::uint8_t plus = 0x40;
/// A letter, or a byte that belongs to no scalar.
inline constexpr std::uint8_t letter = 0x80;

inline constexpr std::uint8_t digit = zero | other_digit;

constexpr std::uint8_t class_of(char byte) noexcept {
  if (token::class_of(byte) != token::scalar) return end;
  switch (byte) {
    case '-':
      return minus;
    case '0':
      return zero;
    case '.':
      return dot;
    case 'e':
    case 'E':
      return e;
    case '+':
      return plus;
    default:
      return byte >= '1' && byte <= '9' ? other_digit : letter;
  }
}

inline constexpr class_table classes(class_of);

/// By the bits of the classes. Padding is the end of nothing, so an end may follow an end.
inline constexpr follow_table followers({minus | digit | letter | end, digit, digit | dot | e | end,
                                         digit | dot | e | end, digit, plus | minus | digit, digit,
                                         letter | end});

}  // namespace scalar

/// Chooses from twice 64 bytes the last one of the first and all but the last of the second.
struct shift_by_one {
  alignas(64) std::uint8_t from[64];

  constexpr shift_by_one() noexcept : from{} {
    for (unsigned i = 0; i < 64; ++i) from[i] = static_cast<std::uint8_t>(63 + i);
  }
};

inline constexpr shift_by_one last_and_first_63;

class scalar_checker {
 public:
  using stream = byte_queue<64 * token_batch::most>;

  /// Any byte that ends one.
  static constexpr char padding = ',';

  // The first scalar is where it would be behind the end of another.
  scalar_checker() noexcept
      : misplaced_(_mm512_setzero_si512()), last_(_mm512_set1_epi8(static_cast<char>(scalar::end))) {}

  bool wrong() const noexcept { return (wrong_ | _mm512_test_epi8_mask(misplaced_, misplaced_)) != 0; }

  /// Checks as many times 64 bytes as have enough behind them to tell what begins there. Returns how many
  /// bytes that were.
  std::size_t check_full(const stream& bytes) noexcept {
    // A copy, which stays in registers.
    scalar_checker checker = *this;
    std::size_t i = 0;
    for (; i + 64 + longest_literal <= bytes.size(); i += 64) checker.check(bytes, i);
    *this = checker;
    return i;
  }

  /// Checks all; padding has to stand behind them.
  void check_all(const stream& bytes) noexcept {
    scalar_checker checker = *this;
    for (std::size_t i = 0; i < bytes.size(); i += 64) checker.check(bytes, i);
    *this = checker;
  }

 private:
  static constexpr std::size_t longest_literal = 5;

  [[gnu::always_inline]] void check(const stream& bytes, std::size_t i) noexcept {
    __m512i classes = scalar::classes(bytes.at(i));
    const mask behind_ends = behind(among(classes, scalar::end), behind_end_);
    const mask letters = _mm512_movepi8_mask(classes);
    if ((letters | literals_go_on_) != 0) {
      // Their letters include the e of exponents, so from here on they have a class of their own.
      const mask literals = find_literals(bytes, i, letters & behind_ends);
      wrong_ |= letters & ~literals;
      classes = _mm512_mask_mov_epi8(classes, literals, _mm512_set1_epi8(static_cast<char>(scalar::letter)));
    }
    check_neighbours(classes);
    check_numbers(classes, behind_ends);
  }

  /// The bytes of true, false and null that begin at `starts`.
  [[gnu::always_inline]] mask find_literals(const stream& bytes, std::size_t i, mask starts) noexcept {
    const auto find = [&](std::string_view word) {
      mask found = starts;
      for (std::size_t k = 0; k < word.size(); ++k) {
        found = _mm512_mask_cmpeq_epi8_mask(found, bytes.at(i + k), _mm512_set1_epi8(word[k]));
      }
      return found;
    };
    __extension__ using wide_mask = unsigned __int128;
    const wide_mask longer = find("false");
    const wide_mask found =
        (find("true") | find("null") | longer) * wide_mask{0xF} | longer << 4 | literals_go_on_;
    literals_go_on_ = static_cast<mask>(found >> 64);
    return static_cast<mask>(found);
  }

  [[gnu::always_inline]] void check_neighbours(__m512i classes) noexcept {
    const __m512i before =
        _mm512_permutex2var_epi8(last_, _mm512_load_si512(last_and_first_63.from), classes);
    add_others(misplaced_, classes, scalar::followers(before));
    last_ = classes;
  }

  [[gnu::always_inline]] void check_numbers(__m512i classes, mask behind_ends) noexcept {
    const mask digits = among(classes, scalar::digit);
    const mask minuses = among(classes, scalar::minus);
    const mask dots = among(classes, scalar::dot);
    const mask es = among(classes, scalar::e);
    // What is left is what neighbours do not tell.
    const mask first_digits = behind_ends | behind(minuses & behind_ends, behind_sign_);
    const mask first_zeros = first_digits & among(classes, scalar::zero);
    wrong_ |= behind(first_zeros, behind_zero_) & digits;
    wrong_ |= dots & behind_run(dots, digits, in_fraction_);
    if ((es | in_exponent_) != 0) {
      const mask exponents = digits | minuses | among(classes, scalar::plus);
      wrong_ |= (dots | es) & behind_run(es, exponents, in_exponent_);
    }
  }

  __m512i misplaced_;
  /// The classes before.
  __m512i last_;
  mask wrong_ = 0;
  mask literals_go_on_ = 0;
  mask behind_end_ = 1;
  mask behind_sign_ = 0;
  mask behind_zero_ = 0;
  mask in_fraction_ = 0;
  mask in_exponent_ = 0;
};

}  // namespace
}  // namespace weft::proto
