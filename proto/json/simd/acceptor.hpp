// Accepts the rest of a JSON container 64 bytes at a time, with vector instructions where the processor has
// them.
//
// An acceptor proves or gives up: whatever it accepts, `json_scanner` accepts as well, with the same end.
// What is wrong and where remains for the scanner to find, so giving up is always right and only costs time.
// The masks are those of Langdale and Lemire, "Parsing Gigabytes of JSON per Second" (VLDB Journal 28, 2019).
// They index the tokens for a second pass. With AVX2, the grammar is checked on the masks themselves instead
// (proto/json/simd/bitmask/walk.inc); AVX-512 moves the tokens together, and checks these 64 at a time
// (proto/json/simd/tokens/walk.inc).
//
// No allocation, no state, no read beyond the text. Thread safety: functions without side effects.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace weft::proto {

/// The containers around a position: one bit each, set for an object, the innermost in bit 0, and above the
/// outermost a bit that is always set.
using container_word = std::uint64_t;

/// How many levels an acceptor can tell apart. One bit is kept in reserve, so that the word that comes from
/// going one level too deep still fits.
inline constexpr std::size_t acceptor_depth = 62;

/// The fewest bytes that an acceptor may be given.
inline constexpr std::ptrdiff_t acceptor_bytes = 64;

/// `at` stands where a value has to begin, inside of `levels` (at least one, at most `acceptor_depth`), and
/// at least `acceptor_bytes` before `end`. Returns the position behind the bracket that closes the outermost
/// of them, when everything up to there is JSON of at most `room` levels; else nullptr.
using container_acceptor = const char* (*)(const char* at, const char* end, container_word levels,
                                           std::size_t room) noexcept;

struct named_acceptor {
  std::string_view name;
  container_acceptor accept;
};

/// What this processor can run, the fastest first; the last has no acceptor and stands for the scanner alone.
std::span<const named_acceptor> usable_acceptors() noexcept;

/// The acceptor of the fastest of them.
container_acceptor fastest_acceptor() noexcept;

}  // namespace weft::proto
