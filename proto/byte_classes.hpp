// Classes of bytes and of tokens, one bit each, so that 64 of them can be asked at once what may follow what.
//
// Kept free of other headers, as proto/block_masks.hpp is.
#pragma once

namespace weft::proto {
namespace {

/// The class of each ASCII byte, in a table of two registers.
class class_table {
 public:
  /// `class_of(byte)` for each of the 128.
  template <class ClassOf>
  explicit constexpr class_table(ClassOf class_of) noexcept : classes_{} {
    for (unsigned byte = 0; byte < 128; ++byte) classes_[byte] = class_of(static_cast<char>(byte));
  }

  /// Bytes that are not ASCII get the class of the one with the same low bits, and bit 7 besides.
  __m512i operator()(__m512i bytes) const noexcept {
    const __m512i low = _mm512_load_si512(classes_);
    const __m512i high = _mm512_load_si512(classes_ + 64);
    const __m512i classes = _mm512_permutex2var_epi8(low, bytes, high);
    constexpr int first_or_both_others = 0xF8;
    return _mm512_ternarylogic_epi64(classes, bytes, _mm512_set1_epi8('\x80'), first_or_both_others);
  }

 private:
  alignas(64) std::uint8_t classes_[128];
};

/// What may follow each class, as a matrix of bits: multiplied with the one bit of a class it gives those of
/// all that may come next.
class follow_table {
 public:
  /// `followers[i]` may follow the class of bit i.
  explicit constexpr follow_table(const std::uint8_t (&followers)[8]) noexcept : rows_(0) {
    for (unsigned next = 0; next < 8; ++next) {
      for (unsigned before = 0; before < 8; ++before) {
        const std::uint64_t may = followers[before] >> next & 1;
        rows_ |= may << (8 * (7 - next) + before);
      }
    }
  }

  /// What follows each of `classes`.
  __m512i operator()(__m512i classes) const noexcept {
    return _mm512_gf2p8affine_epi64_epi8(classes, _mm512_set1_epi64(static_cast<long long>(rows_)), 0);
  }

 private:
  std::uint64_t rows_;
};

/// Adds to `wrong` what of `next` is not `allowed`.
inline void add_others(__m512i& wrong, __m512i next, __m512i allowed) noexcept {
  constexpr int first_or_second_without_third = 0xF4;
  wrong = _mm512_ternarylogic_epi64(wrong, next, allowed, first_or_second_without_third);
}

/// The positions whose class is among `classes`.
inline mask among(__m512i bytes, std::uint8_t classes) noexcept {
  return _mm512_test_epi8_mask(bytes, _mm512_set1_epi8(static_cast<char>(classes)));
}

/// The first `count` of 64, all of them if it is more.
inline mask first_of(std::size_t count) noexcept {
  return _bzhi_u64(~mask{0}, static_cast<unsigned>(count < 64 ? count : 64));
}

}  // namespace
}  // namespace weft::proto
