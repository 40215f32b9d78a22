// The version of this build, as `weft --version` and weft_build_info tell it.
#pragma once

#include <string_view>

namespace weft {

std::string_view version() noexcept;
/// Name and version of the compiler that built the program.
std::string_view compiler() noexcept;

}  // namespace weft
