#include "node/process/version.hpp"

namespace weft {

std::string_view version() noexcept {
  return WEFT_VERSION;
}

std::string_view compiler() noexcept {
#ifdef __clang__
  return "clang " __clang_version__;
#else
  return "gcc " __VERSION__;
#endif
}

}  // namespace weft
