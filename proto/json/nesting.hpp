// Where in nested containers a scan is.
#pragma once

#include <cstddef>
#include <cstdint>

#include "proto/json/defect.hpp"
#include "proto/json/simd/acceptor.hpp"

namespace weft::proto {

/// The kinds of the containers around a position, one bit each. Only the words that depth reaches are ever
/// touched.
class nesting {
 public:
  void push(bool is_object) noexcept {
    if (depth_ % word_bits == 0 && depth_ > 0) full_words_[depth_ / word_bits - 1] = top_word_;
    top_word_ = top_word_ << 1 | static_cast<std::uint64_t>(is_object);
    ++depth_;
  }

  void pop() noexcept {
    --depth_;
    top_word_ >>= 1;
    if (depth_ % word_bits == 0 && depth_ > 0) top_word_ = full_words_[depth_ / word_bits - 1];
  }

  bool in_object() const noexcept { return (top_word_ & 1) != 0; }
  /// All of them, of which there may be `acceptor_depth`.
  container_word word() const noexcept { return top_word_ | container_word{1} << depth_; }
  std::size_t depth() const noexcept { return depth_; }

 private:
  static constexpr std::size_t word_bits = 64;
  std::uint64_t top_word_ = 0;
  std::size_t depth_ = 0;
  std::uint64_t full_words_[depth_limit / word_bits];
};

}  // namespace weft::proto
