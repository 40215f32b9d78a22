// The files behind `tls.cert`, `tls.key` and `tls.ca`.
#pragma once

#include <string>

#include "node/config/program_options.hpp"

namespace weft {

/// Reads them into `options.node.tls`, when any of them is named or an address is one of tls://. Returns what
/// was wrong with them and what would be right, empty when nothing was.
std::string load_tls_files(program_options& options);

}  // namespace weft
