// docs/reference.md, made from the declarations of options, metrics, admin pages and exit codes.
#pragma once

#include <string>

namespace weft {

std::string reference_page();

}  // namespace weft
