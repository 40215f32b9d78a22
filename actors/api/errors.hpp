// Errors of the public interface and those of the parts below it.
#pragma once

#include "proto/error.hpp"
#include "weft/error.hpp"

namespace weft {

error to_error(rpc_error from);
rpc_error to_rpc_error(error from);

}  // namespace weft
