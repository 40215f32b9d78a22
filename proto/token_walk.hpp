// The walk of an acceptor (proto/block_acceptor.hpp) that has instructions to move chosen bytes together:
// from the text to its tokens and scalars, and from the tokens to the brackets, each a dense stream that is
// checked 64 at a time by what may stand beside what.
//
// Each step is taken for many blocks before the next one. How many tokens 64 bytes hold cannot be predicted,
// but only the end of each loop depends on it.
//
// Kept free of other headers, as proto/block_masks.hpp is.
#pragma once

#include "proto/token_brackets.hpp"
#include "proto/token_order.hpp"
#include "proto/token_scalars.hpp"

namespace weft::proto {
namespace {

class token_walk {
 public:
  token_walk(container_word levels, std::size_t room) noexcept : levels_(levels, room) {
    // What stands before a value, as if it had been read.
    const bool in_object = (levels & 1) != 0;
    batch_.tokens.push(in_object ? token::string : token::scalar);
    batch_.tokens.push(in_object ? token::colon : token::comma);
  }

  const char* run(const char* at, const char* end) noexcept {
    // Fewer at first, since small containers are frequent and what follows them is read in vain.
    for (std::size_t blocks = 8; at < end; blocks = token_batch::most) {
      at = tokenizer_.fill(batch_, blocks, at, end);
      batch_.tokens.cut(batch_.tokens.size(), 0);
      if (find_end()) return is_right_up_to_end() ? end_.at + 1 : nullptr;
      if (!is_right()) return nullptr;
    }
    return nullptr;
  }

 private:
  /// What a comma is depends on the two tokens behind it, so these wait for the next batch, unless one of
  /// them is the end: then they are no commas.
  static constexpr std::size_t waiting = 2;

  bool find_end() noexcept {
    const std::size_t settled = batch_.tokens.size() - waiting;
    if (follow_brackets(0, settled)) return true;
    return levels_.end_with(batch_.tokens + settled, waiting) && follow_brackets(settled, settled + waiting);
  }

  /// Returns true, and notes where, if the outermost container ends among these tokens.
  bool follow_brackets(std::size_t first, std::size_t last) noexcept {
    std::size_t brackets = 0;
    for (std::size_t i = first, vector = 0; i < last; i += 64, ++vector) {
      const __m512i tokens = batch_.tokens.at(i);
      const mask commas = among(tokens, token::comma);
      const mask colons = among(batch_.tokens.at(i + 2), token::colon);
      const __m512i marked =
          _mm512_mask_mov_epi8(tokens, commas & colons, _mm512_set1_epi8(token::comma | token::colon));
      bracket_places_[vector] =
          among(tokens, token::opening | token::closing | token::comma) & first_of(last - i);
      brackets = brackets_.append(brackets, marked, bracket_places_[vector]);
    }
    brackets_.cut(brackets, 0);
    // A copy, which stays in registers.
    bracket_levels levels = levels_;
    for (std::size_t i = 0; i < brackets; i += 64) {
      const int end = levels.follow(brackets_.at(i));
      if (end == 64) continue;
      levels_ = levels;
      note_end(first, i + static_cast<std::size_t>(end));
      return true;
    }
    levels_ = levels;
    return false;
  }

  void note_end(std::size_t first, std::size_t bracket) noexcept {
    const std::size_t token = first + nth_place(bracket_places_, bracket);
    end_ = batch_.of(token);
    batch_.tokens.cut(token + 1, 0);
  }

  /// All of the batch that does not wait, which has no end in it.
  bool is_right() noexcept {
    const std::size_t settled = batch_.tokens.size() - waiting;
    if (batch_.wrong != nullptr || levels_.wrong() || has_wrong_order(batch_.tokens, settled)) return false;
    batch_.tokens.drop(settled);
    batch_.scalars.drop(scalars_.check_full(batch_.scalars));
    return !scalars_.wrong();
  }

  bool is_right_up_to_end() noexcept {
    if (batch_.wrong != nullptr && batch_.wrong < end_.at) return false;
    if (levels_.wrong() || has_wrong_order(batch_.tokens, batch_.tokens.size())) return false;
    batch_.scalars.cut(end_.scalars, scalar_checker::padding);
    scalars_.check_all(batch_.scalars);
    return !scalars_.wrong();
  }

  token_batch batch_;
  byte_queue<64 * token_batch::most> brackets_;
  /// Which of the tokens went there.
  mask bracket_places_[token_batch::most + 1];
  token_batch::position end_;
  tokenizer tokenizer_;
  bracket_levels levels_;
  scalar_checker scalars_;
};

}  // namespace
}  // namespace weft::proto
