// The containers of a walk through blocks of 64 bytes (proto/block_rules.hpp): which bracket closes which,
// and what objects hold that arrays do not.
//
// How many brackets a block has cannot be predicted, so a loop over them in every block would cost a
// mispredicted branch each time, late in a long chain of instructions. Instead their bits are collected over
// many blocks and followed together. Only where the outermost container ends has to be known at once, and
// that is a matter of counting.
//
// Kept free of other headers, as proto/block_masks.hpp is.
#pragma once

#include "proto/block_masks.hpp"

namespace weft::proto {
namespace {

/// By eight brackets, bit 0 first and set when it opens: how far below the depth before them they get.
struct descent_table {
  std::uint8_t levels[256];

  constexpr descent_table() noexcept : levels{} {
    for (unsigned opens = 0; opens < 256; ++opens) {
      int depth = 0;
      for (unsigned i = 0; i < 8; ++i) {
        depth += (opens >> i & 1) != 0 ? 1 : -1;
        if (-depth > levels[opens]) levels[opens] = static_cast<std::uint8_t>(-depth);
      }
    }
  }
};

inline constexpr descent_table descents;

/// Brackets, at their places in a block or one bit each in their order, and those that follow what only one
/// kind of container may hold, without another bracket between.
struct bracket_masks {
  mask opens = 0;
  mask braces = 0;
  mask object_only = 0;
  mask array_only = 0;

  bracket_masks at(mask places) const noexcept {
    return {compress(opens, places), compress(braces, places), compress(object_only, places),
            compress(array_only, places)};
  }

  /// Those that follow something wrong, if they stand in objects where `objects` says so, else in arrays.
  mask wrong_in(mask objects) const noexcept { return (object_only & ~objects) | (array_only & objects); }
};

/// The containers that are open, and what became of those that are closed.
class bracket_stack {
 public:
  bracket_stack(container_word levels, std::size_t room) noexcept
      : levels_(levels),
        depth_(63 - std::countl_zero(levels)),
        room_(static_cast<int>(room < acceptor_depth ? room : acceptor_depth)) {}

  int depth() const noexcept { return depth_; }
  bool wrong() const noexcept { return wrong_ != 0; }
  void refuse() noexcept { wrong_ = 1; }

  /// Follows the first `count` brackets, less than 64 unless they were refused. Those that close the one
  /// right before them are taken out, level by level, until the ones that are left close what was open
  /// before, and then open what stays open. Returns what the next brackets have to begin with.
  [[gnu::noinline]] bracket_masks follow(bracket_masks run, int count) noexcept {
    bracket_masks next;
    // A whole block of them was refused when it came.
    if (count > 63) return next;
    int height = 0;
    while (count > 0) {
      const mask all = (mask{1} << count) - 1;
      const mask closing = ~run.opens & run.opens << 1 & all;
      if (closing == 0) break;
      ++height;
      const mask objects = run.braces << 1;
      wrong_ |= closing & ((objects ^ run.braces) | run.wrong_in(objects));
      const mask taken = closing | closing >> 1;
      next.object_only |= hand_on(run.object_only, closing >> 1, taken, count);
      next.array_only |= hand_on(run.array_only, closing >> 1, taken, count);
      run = run.at(all & ~taken);
      count -= std::popcount(taken);
    }
    close_and_open(run, count, height);
    return next;
  }

 private:
  /// What stood before the `opening` brackets now stands before the next one that is not taken out. Returns 1
  /// if that is not among the `count` there are.
  static mask hand_on(mask& flags, mask opening, mask taken, int count) noexcept {
    flags = (((flags & opening) + taken) | flags) & ~taken;
    return flags >> count;
  }

  void close_and_open(const bracket_masks& run, int count, int height) noexcept {
    const int closed = run.opens != 0 ? std::countr_zero(run.opens) : count;
    const int opened = count - closed;
    // Not the exact height, which would have to be known for each place, but never less.
    const int highest = (opened > closed ? depth_ + opened - closed : depth_) + height;
    const mask closing = (mask{1} << closed) - 1;
    wrong_ |= closing & ((levels_ ^ run.braces) | run.wrong_in(levels_));
    wrong_ |= static_cast<mask>(highest > room_);
    levels_ >>= closed;
    const mask objects = (run.braces << 1 & ~closing << 1) | (levels_ & 1) << closed;
    wrong_ |= run.wrong_in(objects) & ~closing;
    for (int i = closed; i < count; ++i) levels_ = levels_ << 1 | (run.braces >> i & 1);
    depth_ += opened - closed;
  }

  container_word levels_;
  int depth_;
  int room_;
  mask wrong_ = 0;
};

/// Collects brackets for the stack, and counts.
class bracket_queue {
 public:
  explicit bracket_queue(const bracket_stack& stack) noexcept : depth_(stack.depth()) {}

  /// Adds those of a block at the places `all`. Returns true when the outermost container ends with one of
  /// them.
  [[gnu::always_inline]] bool add(const bracket_masks& block, mask all, bracket_stack& stack) noexcept {
    const int count = std::popcount(all);
    if (count_ + count > 63) [[unlikely]]
      make_room(count, stack);
    const bracket_masks added = block.at(all);
    queue_.opens |= added.opens << count_;
    queue_.braces |= added.braces << count_;
    queue_.object_only |= added.object_only << count_;
    queue_.array_only |= added.array_only << count_;
    const int depth = depth_;
    count_ += count;
    depth_ += 2 * std::popcount(added.opens) - count;
    const mask padding = ~mask{0} << (count & 63);
    const int descent = descents.levels[static_cast<std::uint8_t>(added.opens | padding)];
    return depth <= descent || (count > 8 && reaches_zero(depth, added.opens, count));
  }

  /// Follows all brackets up to the one among the last, those at `all` in their block, that ends the
  /// outermost container. Returns the bytes up to that one.
  mask follow_to_end(mask all, bracket_stack& stack) noexcept {
    const int before = count_ - std::popcount(all);
    int depth = depth_ - 2 * std::popcount(queue_.opens >> before) + std::popcount(all);
    int last = before;
    while ((depth += (queue_.opens >> last & 1) != 0 ? 1 : -1) != 0) ++last;
    const mask kept = ~mask{0} >> (63 - last);
    stack.follow(
        {queue_.opens & kept, queue_.braces & kept, queue_.object_only & kept, queue_.array_only & kept},
        last + 1);
    const mask end = expand(mask{1} << (last - before), all);
    return end | (end - 1);
  }

 private:
  void make_room(int count, bracket_stack& stack) noexcept {
    queue_ = stack.follow(queue_, count_);
    count_ = 0;
    // 32 levels that are opened and closed again in one block are left to the scanner.
    if (count > 63) stack.refuse();
  }

  static bool reaches_zero(int depth, mask opens, int count) noexcept {
    for (; count > 0; count -= 8, opens >>= 8) {
      const mask padding = count < 8 ? ~mask{0} << count : 0;
      const auto next = static_cast<std::uint8_t>(opens | padding);
      if (depth <= descents.levels[next]) return true;
      depth += 2 * std::popcount(next) - 8;
    }
    return false;
  }

  bracket_masks queue_;
  int count_ = 0;
  int depth_;
};

}  // namespace
}  // namespace weft::proto
