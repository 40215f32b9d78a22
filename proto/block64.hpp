// 64 bytes in one register; answers are masks, bit i for byte i.
//
// Kept free of other headers, as proto/block_masks.hpp is.
#pragma once

#include "proto/block_masks.hpp"

namespace weft::proto {
namespace {

class block64 {
 public:
  static block64 load(const char* at) noexcept { return {_mm512_loadu_si512(at)}; }

  /// The fewer than 64 bytes before `end`, and NUL behind them, which no rule accepts.
  static block64 load_last(const char* at, const char* end) noexcept {
    return {_mm512_maskz_loadu_epi8((mask{1} << (end - at)) - 1, at)};
  }

  __m512i bytes() const noexcept { return bytes_; }

  mask equal(char c) const noexcept { return _mm512_cmpeq_epi8_mask(bytes_, _mm512_set1_epi8(c)); }

  /// From `first` to `last`, as unsigned bytes.
  mask between(unsigned char first, unsigned char last) const noexcept {
    const __m512i from_first = _mm512_sub_epi8(bytes_, _mm512_set1_epi8(static_cast<char>(first)));
    return _mm512_cmple_epu8_mask(from_first, _mm512_set1_epi8(static_cast<char>(last - first)));
  }

  /// Backslashes, control characters and what is not ASCII: the last two are below the space character as
  /// signed bytes.
  mask special() const noexcept {
    return _mm512_cmplt_epi8_mask(bytes_, _mm512_set1_epi8(' ')) | equal('\\');
  }

  mask non_ascii() const noexcept { return _mm512_movepi8_mask(bytes_); }

 private:
  block64(__m512i bytes) noexcept : bytes_(bytes) {}

  __m512i bytes_;
};

}  // namespace
}  // namespace weft::proto
