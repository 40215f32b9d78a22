// The grammar of JSON as rules on masks: the walk of an acceptor (proto/block_acceptor.hpp) through blocks of
// 64 bytes.
//
// Every mistake shows as a bit in `wrong`, at a byte that is not before what it depends on. So the bytes
// behind the end of the container, which belong to something else, cannot make it look wrong.
//
// Kept free of other headers, as proto/block_masks.hpp is.
#pragma once

#include "proto/block_brackets.hpp"
#include "proto/block_scalars.hpp"
#include "proto/block_strings.hpp"

namespace weft::proto {
namespace {

/// What is touched only now and then, apart from what every block needs.
struct rare_states {
  rare_states(container_word levels, std::size_t room) noexcept : brackets(levels, room) {}

  string_states strings;
  exponent_state exponents;
  bracket_stack brackets;
  alignas(64) char padded_end[64];
};

/// A mask for each of eight blocks, to calculate with.
using masks8 = mask __attribute__((vector_size(64)));

/// The same in memory, where each can be had by itself.
class mask_row {
 public:
  mask& operator[](int i) noexcept { return masks_[i]; }
  mask operator[](int i) const noexcept { return masks_[i]; }

  [[gnu::always_inline]] masks8 operator()() const noexcept {
    masks8 all;
    std::memcpy(&all, masks_, sizeof all);
    return all;
  }
  [[gnu::always_inline]] void operator=(const masks8& all) noexcept { std::memcpy(masks_, &all, sizeof all); }
  [[gnu::always_inline]] void operator|=(const masks8& all) noexcept { *this = (*this)() | all; }
  [[gnu::always_inline]] void operator&=(const masks8& all) noexcept { *this = (*this)() & all; }

 private:
  alignas(64) mask masks_[8] = {};
};

/// The bytes right behind those of `row`; `before` are the eight blocks before.
[[gnu::always_inline]] inline masks8 behind(const masks8& row, const masks8& before) noexcept {
  return row << 1 | __builtin_shufflevector(before, row, 7, 8, 9, 10, 11, 12, 13, 14) >> 63;
}

[[gnu::always_inline]] inline bool any(const masks8& row) noexcept {
  return (row[0] | row[1] | row[2] | row[3] | row[4] | row[5] | row[6] | row[7]) != 0;
}

/// Some blocks that are not just the inside of a string, and what has been found out about them.
struct block_batch {
  static constexpr int most = 8;

  /// The blocks are from `first` to before `end`. Only the first batch begins later than at 0, only the last
  /// one ends before 8, so that a block and the one before it are always neighbours.
  int first = 0;
  int end = 0;
  /// Where they stand, and where they can be loaded from.
  const char* at[most];
  const char* bytes[most];
  mask_row wrong, quotes, strings, opens, closes, braces, commas, colons, spaces;
  mask_row digits, minuses, dots, zeros;
  mask_row scalars, starts, structure, brackets, separators, before_names;
  mask_row behind_opens, behind_separators, behind_strings, behind_names, object_only, array_only;
  mask_row number_starts, numbers;
};

/// Takes each step for a batch of blocks before the next step. Blocks depend on each other only where
/// something can run through a whole block, as space can; all else is done for eight of them at a time. One
/// block after the other would be a chain of instructions so long that the processor hardly sees the next one
/// beside it.
template <class Block>
class container_walk {
 public:
  explicit container_walk(rare_states& rare) noexcept : rare_(rare), brackets_(rare.brackets) {}

  const char* run(const char* at, const char* end) noexcept {
    block_batch batch;
    // Fewer at first, since small containers are frequent and what follows them is read in vain. The missing
    // ones count as text in a string.
    batch.first = block_batch::most / 2;
    for (int i = 0; i < batch.first; ++i) batch.strings[i] = ~mask{0};
    for (; at < end; batch.first = 0) {
      at = find_strings(batch, at, end);
      find_bytes(batch);
      find_tokens(batch);
      check_order(batch);
      const bool ends = find_end(batch);
      check_scalars(batch, end);
      if (batch.end == batch.first) return nullptr;
      const int last = batch.end - 1;
      mask wrong = batch.wrong[last] & until_end_;
      for (int i = batch.first; i < last; ++i) wrong |= batch.wrong[i];
      if (wrong != 0 || rare_.brackets.wrong()) return nullptr;
      if (ends) return batch.at[last] + std::popcount(until_end_);
    }
    return nullptr;
  }

 private:
  /// Fills the batch from `at` on and returns where it ends.
  const char* find_strings(block_batch& batch, const char* at, const char* end) noexcept {
    mask in_string = in_string_;
    int count = batch.first;
    for (; count < block_batch::most && at < end; at += 64) {
      const char* const bytes = end - at >= 64 ? at : padded_end(at, end);
      const Block block = Block::load(bytes);
      unescaped quotes{.all = block.equal('"'), .wrong = 0};
      if (block.has_special() || rare_.strings.pending != 0) {
        quotes = check_strings(rare_.strings, block, in_string, at, end);
      } else if (quotes.all == 0 && in_string != 0) {
        continue;
      }
      const mask strings = from_odd_to_even(quotes.all) ^ in_string;
      in_string = all_if(strings >> 63 != 0);
      batch.at[count] = at;
      batch.bytes[count] = bytes;
      batch.wrong[count] = quotes.wrong;
      batch.quotes[count] = quotes.all;
      batch.strings[count] = strings;
      ++count;
    }
    in_string_ = in_string;
    batch.end = count;
    return at;
  }

  /// A copy of the bytes from `at` with NUL behind them, which no rule accepts, in strings or outside.
  const char* padded_end(const char* at, const char* end) noexcept {
    std::memset(rare_.padded_end, 0, sizeof rare_.padded_end);
    std::memcpy(rare_.padded_end, at, static_cast<std::size_t>(end - at));
    return rare_.padded_end;
  }

  static void find_bytes(block_batch& batch) noexcept {
    for (int i = batch.first; i < batch.end; ++i) {
      const Block block = Block::load(batch.bytes[i]);
      // A bracket and the brace of its direction differ in this bit only.
      const Block folded = block.with_bits(0x20);
      batch.opens[i] = folded.equal('{');
      batch.closes[i] = folded.equal('}');
      batch.braces[i] = block.has_bit_5();
      batch.commas[i] = block.equal(',');
      batch.colons[i] = block.equal(':');
      batch.spaces[i] = block.space();
      batch.digits[i] = block.between('0', '9');
      batch.minuses[i] = block.equal('-');
      batch.dots[i] = block.equal('.');
      batch.zeros[i] = block.equal('0');
    }
  }

  /// Leaves of the bytes those that are outside of strings; a quote belongs to its string.
  static void find_tokens(block_batch& batch) noexcept {
    const masks8 outside = ~batch.strings();
    batch.opens &= outside;
    batch.closes &= outside;
    batch.commas &= outside;
    batch.colons &= outside;
    batch.spaces &= outside;
    batch.brackets = batch.opens() | batch.closes();
    batch.separators = batch.commas() | batch.colons();
    batch.structure = batch.brackets() | batch.separators();
    batch.before_names = (batch.opens() & batch.braces()) | batch.commas();
    batch.scalars = outside & ~(batch.quotes() | batch.structure() | batch.spaces());
  }

  /// Which byte may follow which. All of it holds in every container; what differs between objects and arrays
  /// is left to the brackets.
  void check_order(block_batch& batch) noexcept {
    carries c = carries_;
    for (int i = batch.first; i < batch.end; ++i) {
      const mask spaces = batch.spaces[i];
      batch.behind_opens[i] = behind_run(batch.opens[i], spaces, c.behind_opens);
      batch.behind_separators[i] = behind_run(batch.separators[i], spaces, c.behind_separators);
      batch.behind_strings[i] = behind_run(batch.quotes[i] & ~batch.strings[i], spaces, c.behind_strings);
      batch.behind_names[i] = behind_run(batch.before_names[i], ~batch.structure[i], c.behind_names);
    }
    batch.starts = batch.scalars() & ~behind(batch.scalars(), scalars_before_);
    scalars_before_ = batch.scalars();
    const masks8 values = (batch.quotes() & batch.strings()) | batch.starts() | batch.opens();
    const masks8 empty = batch.closes() & batch.behind_opens();
    batch.wrong |= (values ^ (batch.behind_opens() | batch.behind_separators())) & ~empty;
    // A name is a string with a colon behind it, and the first thing behind a comma or an opening brace. So
    // among the structural bytes the next one behind those is a colon, or we are in an array, or in {}.
    batch.wrong |= batch.colons() & ~(batch.behind_strings() & batch.behind_names());
    batch.array_only = batch.behind_names() & ~(batch.colons() | (empty & batch.braces()));
    for (int i = batch.first; i < batch.end; ++i) {
      const mask brackets = batch.brackets[i];
      const mask array_only = batch.array_only[i];
      batch.object_only[i] = end_of_run(batch.colons[i], ~brackets, c.object_only);
      batch.array_only[i] =
          (array_only & brackets) | end_of_run(array_only & ~brackets, ~brackets, c.array_only);
    }
    carries_ = c;
  }

  /// If the outermost container ends in the batch, cuts off what is behind.
  bool find_end(block_batch& batch) noexcept {
    for (int i = batch.first; i < batch.end; ++i) {
      const bracket_masks kinds{batch.opens[i], batch.braces[i], batch.object_only[i], batch.array_only[i]};
      if (!brackets_.add(kinds, batch.brackets[i], rare_.brackets)) continue;
      until_end_ = brackets_.follow_to_end(batch.brackets[i], rare_.brackets);
      batch.end = i + 1;
      return true;
    }
    return false;
  }

  void check_scalars(block_batch& batch, const char* end) noexcept {
    batch.number_starts = batch.starts() & (batch.digits() | batch.minuses());
    batch.numbers = batch.scalars();
    const masks8 literal_starts = batch.starts() & ~batch.number_starts();
    if (literals_.concern(0) || any(literal_starts)) {
      mask_row of_block;
      of_block = literal_starts;
      for (int i = batch.first; i < batch.end; ++i) {
        if (!literals_.concern(of_block[i])) continue;
        mask wrong = 0;
        batch.numbers[i] &= ~literals_.find(of_block[i], batch.scalars[i], batch.at[i], end, wrong);
        batch.wrong[i] |= wrong;
      }
    }
    check_numbers(batch);
  }

  void check_numbers(block_batch& batch) noexcept {
    batch.digits &= batch.numbers();
    batch.dots &= batch.numbers();
    batch.minuses &= batch.numbers();
    const masks8 points = batch.minuses() | batch.dots();
    const masks8 signs = batch.minuses() & batch.number_starts();
    const masks8 first_zeros = (batch.number_starts() | behind(signs, signs_before_)) & batch.zeros();
    // Numbers begin with a digit or a minus, so this puts a digit before each dot as well.
    batch.wrong |= behind(points, points_before_) & ~batch.digits();
    batch.wrong |= behind(first_zeros, zeros_before_) & batch.digits();
    signs_before_ = signs;
    points_before_ = points;
    zeros_before_ = first_zeros;
    if (in_fraction_ != 0 || any(batch.dots())) check_fractions(batch);
    if (rare_.exponents.pending != 0 || any(batch.numbers() & ~(batch.digits() | points))) {
      check_exponents(batch);
    } else {
      batch.wrong |= batch.minuses() & ~batch.number_starts();
    }
  }

  void check_fractions(block_batch& batch) noexcept {
    for (int i = batch.first; i < batch.end; ++i) {
      batch.wrong[i] |= batch.dots[i] & behind_run(batch.dots[i], batch.digits[i], in_fraction_);
    }
  }

  void check_exponents(block_batch& batch) noexcept {
    for (int i = batch.first; i < batch.end; ++i) {
      const number_masks masks{.bytes = batch.numbers[i],
                               .starts = batch.number_starts[i],
                               .digits = batch.digits[i],
                               .minuses = batch.minuses[i],
                               .dots = batch.dots[i]};
      batch.wrong[i] |= wrong_exponents(rare_.exponents, masks, Block::load(batch.bytes[i]));
    }
  }

  /// From one block to the next, for what may run through whole blocks.
  struct carries {
    mask behind_opens = 0;
    /// The walk begins where a value must stand, as behind a colon or a comma.
    mask behind_separators = 1;
    mask behind_strings = 0;
    mask behind_names = 0;
    mask object_only = 0;
    mask array_only = 0;
  };

  rare_states& rare_;
  carries carries_;
  masks8 scalars_before_{};
  masks8 signs_before_{};
  masks8 points_before_{};
  masks8 zeros_before_{};
  mask in_string_ = 0;
  mask in_fraction_ = 0;
  /// The bytes of a batch's last block up to the end of the container.
  mask until_end_ = ~mask{0};
  block_literals literals_;
  bracket_queue brackets_;
};

}  // namespace
}  // namespace weft::proto
