// Numbers in JSON text. Pure functions.
#pragma once

#include <optional>
#include <string_view>

namespace weft::proto {

/// The whole of `text` as a double, nothing when it is no number. One that is too large for a double is the
/// largest; one that is too small, but not zero, is the smallest that is not.
std::optional<double> parse_double(std::string_view text) noexcept;

}  // namespace weft::proto
