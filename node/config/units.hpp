// Durations and byte sizes as people write them: a decimal number with its unit, "200ms", "1.5s", "64KiB".
//
// A bare number is refused: nobody can tell whether 30 means seconds or milliseconds. Values are exact: what
// does not come out as whole nanoseconds or whole bytes is refused as well. Errors are sentences that say
// what is right.
#pragma once

#include <chrono>
#include <cstddef>
#include <expected>
#include <string>
#include <string_view>

namespace weft::proto {

/// Units ns, us, ms, s, m, h; at most six digits after the point; no sign.
std::expected<std::chrono::nanoseconds, std::string> parse_duration(std::string_view text);

/// Units B; KiB, MiB, GiB, TiB (powers of 1024); kB, MB, GB, TB (powers of 1000). Otherwise as durations.
std::expected<std::size_t, std::string> parse_size(std::string_view text);

/// Whole numbers in the largest unit that is exact ("1500ms", "90s", "2m"): parsing gives the same value
/// back.
std::string format_duration(std::chrono::nanoseconds duration);
std::string format_size(std::size_t bytes);

}  // namespace weft::proto

namespace weft {

// Every layer's options and messages speak of these.
using proto::format_duration;
using proto::format_size;
using proto::parse_duration;
using proto::parse_size;

}  // namespace weft
