// Cuts blocks of 64 bytes into tokens and scalars.
//
// What a string or a scalar holds does not matter to the order of tokens, nor space to anything, so both are
// dropped: a token is one byte, its class. The bytes of numbers and literals go into a stream of their own,
// each with the one that ends it. Both streams are dense, whatever the text looked like.
//
// Kept free of other headers, as proto/block_masks.hpp is.
#pragma once

#include "proto/block64.hpp"
#include "proto/block_strings.hpp"
#include "proto/byte_classes.hpp"

namespace weft::proto {
namespace {

namespace token {

inline constexpr std::uint8_t open_brace = 0x01;
inline constexpr std::uint8_t close_brace = 0x02;
inline constexpr std::uint8_t open_bracket = 0x04;
inline constexpr std::uint8_t close_bracket = 0x08;
inline constexpr std::uint8_t comma = 0x10;
inline constexpr std::uint8_t colon = 0x20;
inline constexpr std::uint8_t string = 0x40;
/// A number, a literal, or a byte that has no place outside of strings; which, is left to those who check
/// scalars.
inline constexpr std::uint8_t scalar = 0x80;

inline constexpr std::uint8_t braces = open_brace | close_brace;
inline constexpr std::uint8_t opening = open_brace | open_bracket;
inline constexpr std::uint8_t closing = close_brace | close_bracket;
inline constexpr std::uint8_t structural = opening | closing | comma | colon;

constexpr std::uint8_t class_of(char byte) noexcept {
  switch (byte) {
    case '{':
      return open_brace;
    case '}':
      return close_brace;
    case '[':
      return open_bracket;
    case ']':
      return close_bracket;
    case ',':
      return comma;
    case ':':
      return colon;
    case '"':
      return string;
    case ' ':
    case '\t':
    case '\n':
    case '\r':
      return 0;
    default:
      return scalar;
  }
}

inline constexpr class_table classes(class_of);

}  // namespace token

/// Bytes that are appended 64 at a time, of which only the first ones count.
template <std::size_t most>
class byte_queue {
 public:
  std::size_t size() const noexcept { return size_; }
  const std::uint8_t* operator+(std::size_t i) const noexcept { return bytes_ + i; }
  std::uint8_t operator[](std::size_t i) const noexcept { return bytes_[i]; }
  __m512i at(std::size_t i) const noexcept { return _mm512_loadu_si512(bytes_ + i); }

  /// Puts those of `bytes` at `places` behind the first `size` and returns how many there are now. The caller
  /// keeps count, in a register, and says so at last with `resize`.
  [[gnu::always_inline]] std::size_t append(std::size_t size, __m512i bytes, mask places) noexcept {
    _mm512_storeu_si512(bytes_ + size, _mm512_maskz_compress_epi8(places, bytes));
    return size + static_cast<std::size_t>(std::popcount(places));
  }

  void resize(std::size_t size) noexcept { size_ = size; }

  void push(std::uint8_t byte) noexcept { bytes_[size_++] = byte; }

  /// Forgets all from `size` on; what is read there, at most 128 bytes far, is `padding`.
  void cut(std::size_t size, char padding) noexcept {
    size_ = size;
    const __m512i rest = _mm512_set1_epi8(padding);
    _mm512_storeu_si512(bytes_ + size, rest);
    _mm512_storeu_si512(bytes_ + size + 64, rest);
  }

  /// Keeps only those from `first` on, at most 128.
  void drop(std::size_t first) noexcept {
    const __m512i low = at(first);
    const __m512i high = at(first + 64);
    _mm512_store_si512(bytes_, low);
    _mm512_store_si512(bytes_ + 64, high);
    size_ -= first;
  }

 private:
  // With room for what was kept, for an append that counts for nothing, and for padding.
  alignas(64) std::uint8_t bytes_[most + 384];
  std::size_t size_ = 0;
};

/// Which bit of a row of masks is the one with `index` others before it?
inline std::size_t nth_place(const mask* row, std::size_t index) noexcept {
  std::size_t i = 0;
  for (;; ++i) {
    const auto held = static_cast<std::size_t>(std::popcount(row[i]));
    if (index < held) break;
    index -= held;
  }
  return 64 * i + static_cast<std::size_t>(std::countr_zero(expand(mask{1} << index, row[i])));
}

/// What a run of blocks held, the insides of strings and space left out.
struct token_batch {
  static constexpr std::size_t most = 64;

  byte_queue<64 * most> tokens;
  byte_queue<64 * most> scalars;
  /// How many tokens and scalars were there before.
  std::size_t older_tokens = 0;
  std::size_t older_scalars = 0;
  /// Where each block stands, and which of its bytes went into the streams.
  const char* at[most];
  mask token_places[most];
  mask scalar_places[most];
  /// The first byte that must not be where it is in a string, or null.
  const char* wrong = nullptr;

  struct position {
    const char* at = nullptr;
    std::size_t scalars = 0;
  };

  /// Where a token of this batch stands, and how many scalar bytes there are up to it.
  position of(std::size_t index) const noexcept {
    const std::size_t place = nth_place(token_places, index - older_tokens);
    const std::size_t block = place / 64;
    std::size_t count = older_scalars;
    for (std::size_t i = 0; i < block; ++i)
      count += static_cast<std::size_t>(std::popcount(scalar_places[i]));
    const mask up_to_it = scalar_places[block] & first_of(place % 64 + 1);
    count += static_cast<std::size_t>(std::popcount(up_to_it));
    return {at[block] + place % 64, count};
  }
};

/// Remembers from batch to batch whether it is in a string or a scalar.
class tokenizer {
 public:
  /// Fills the batch with up to `blocks` from `at` on and returns where they end.
  const char* fill(token_batch& batch, std::size_t blocks, const char* at, const char* end) noexcept {
    std::size_t tokens = batch.older_tokens = batch.tokens.size();
    std::size_t scalars = batch.older_scalars = batch.scalars.size();
    mask in_string = in_string_;
    mask in_scalar = in_scalar_;
    std::size_t count = 0;
    for (; count < blocks && at < end; at += 64) {
      const block64 block = end - at >= 64 ? block64::load(at) : block64::load_last(at, end);
      mask quotes = block.equal('"');
      mask strings = from_odd_to_even(quotes) ^ in_string;
      if (((block.special() & strings) | states_.pending) != 0) [[unlikely]] {
        const unescaped checked = check_strings(states_, block, in_string, at, end);
        quotes = checked.all;
        strings = from_odd_to_even(quotes) ^ in_string;
        if (checked.wrong != 0 && batch.wrong == nullptr) batch.wrong = at + std::countr_zero(checked.wrong);
      } else if ((quotes | ~in_string) == 0) {
        continue;
      }
      in_string = all_if(strings >> 63 != 0);
      const __m512i classes = token::classes(block.bytes());
      const mask of_scalars = _mm512_movepi8_mask(classes) & ~strings;
      const mask behind_scalars = behind(of_scalars, in_scalar);
      const mask token_places = (among(classes, token::structural) & ~strings) | (quotes & strings) |
                                (of_scalars & ~behind_scalars);
      const mask scalar_places = of_scalars | behind_scalars;
      tokens = batch.tokens.append(tokens, classes, token_places);
      scalars = batch.scalars.append(scalars, block.bytes(), scalar_places);
      batch.at[count] = at;
      batch.token_places[count] = token_places;
      batch.scalar_places[count] = scalar_places;
      ++count;
    }
    in_string_ = in_string;
    in_scalar_ = in_scalar;
    batch.tokens.resize(tokens);
    batch.scalars.resize(scalars);
    return at;
  }

 private:
  mask in_string_ = 0;
  mask in_scalar_ = 0;
  string_states states_;
};

}  // namespace
}  // namespace weft::proto
