// What a value must be, where its option's type does not say it all: the `check` of rows in
// node/config/sections/. Each returns why the value is refused and what would be right, or nothing. Thread
// safety: no state.
#pragma once

#include <string>
#include <string_view>

namespace weft {

/// An empty id asks for a generated one.
std::string check_id(std::string_view id);

// -- values of rules that are given by method
std::string check_policy(std::string_view value);
std::string check_calls(std::string_view value);
std::string check_percentile(std::string_view value);

}  // namespace weft
