// Everything that `weft node` can be told: the node's own options and the program's.
#pragma once

#include <string>

#include "actors/config/options.hpp"
#include "node/logging/log.hpp"

namespace weft {

/// Files that hold secrets; empty for none.
struct auth_files {
  std::string tokens;
  std::string peer_token;
};

struct program_options {
  node_options node;
  log_options log;
  auth_files auth;
};

}  // namespace weft
