// A hash of short texts, such as names of methods and ids of calls: eight bytes at a time, and inline. Equal
// on all machines of one byte order; it resists nobody who looks for collisions, so what it finds is bounded.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace weft {

namespace detail {

template <class Word>
std::uint64_t word_at(const char* at) noexcept {
  Word word;
  std::memcpy(&word, at, sizeof word);
  return word;
}

/// The last bytes of a text of `size` bytes, as one word: less than eight bytes, or the last eight, of which
/// some may have been seen.
inline std::uint64_t last_word(const char* text, std::size_t size) noexcept {
  if (size >= 8) return word_at<std::uint64_t>(text + size - 8);
  if (size >= 4) return word_at<std::uint32_t>(text) << 32U | word_at<std::uint32_t>(text + size - 4);
  if (size == 0) return 0;
  const auto byte = [text](std::size_t at) { return std::uint64_t{static_cast<unsigned char>(text[at])}; };
  return byte(0) << 16U | byte(size / 2) << 8U | byte(size - 1);
}

}  // namespace detail

inline std::uint64_t text_hash(std::string_view text, std::uint64_t seed = 0) noexcept {
  // Fibonacci hashing (Knuth, The Art of Computer Programming 3, 6.4): the upper half of a product depends on
  // all bits, and is brought down for the next step.
  constexpr std::uint64_t factor = 0x9E3779B97F4A7C15;
  std::uint64_t hash = seed ^ text.size();
  const auto add = [&](std::uint64_t word) {
    hash = (hash ^ word) * factor;
    hash ^= hash >> 32U;
  };
  std::size_t at = 0;
  for (; at + 8 < text.size(); at += 8) add(detail::word_at<std::uint64_t>(text.data() + at));
  add(detail::last_word(text.data(), text.size()));
  return hash;
}

}  // namespace weft
