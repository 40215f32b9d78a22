// The known name that a mistyped one most resembles.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace weft {

/// The candidate with the smallest edit distance (case ignored, '-' and '_' taken as equal), the first of
/// several; empty when there are no candidates.
std::string nearest_name(std::string_view name, std::span<const std::string> candidates);

/// The same if it may well have been meant: of three letters at most one is wrong, without dashes in front.
/// Empty when nothing is as near as that.
std::string near_name(std::string_view name, std::span<const std::string> candidates);

/// "; the nearest known one is --admin", or, when nothing is near, `otherwise`.
std::string suggestion(std::string_view name, std::span<const std::string> candidates,
                       std::string_view otherwise = {});

}  // namespace weft
