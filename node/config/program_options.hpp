// Everything that `weft node` can be told: the node's own options and the program's.
#pragma once

#include "actors/options.hpp"
#include "node/log.hpp"

namespace weft {

struct program_options {
  node_options node;
  log_options log;
};

}  // namespace weft
