// The known name that a mistyped one most resembles.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace weft {

/// The candidate with the smallest edit distance (case ignored, '-' and '_' taken as equal), the first of
/// several; empty when there are no candidates.
std::string nearest_name(std::string_view name, std::span<const std::string> candidates);

}  // namespace weft
