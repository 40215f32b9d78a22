// The node's own methods: `mesh.health` and `rpc.discover`.
#pragma once

#include <string>

#include "actors/service_host.hpp"
#include "actors/shard.hpp"

namespace weft {

/// Call last: `rpc.discover` describes what is registered by then. `counters` outlives the services.
void add_node_methods(service_host& services, const std::string& node, const node_counters& counters);

}  // namespace weft
