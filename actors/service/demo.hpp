// The demonstration methods of `weft node --demo`: one of each kind of handler, and what the tests need.
#pragma once

#include "actors/service/service_host.hpp"

namespace weft {

void add_demo_methods(service_host& services);

}  // namespace weft
