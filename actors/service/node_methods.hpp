// The node's own methods: `mesh.health` and `rpc.discover`.
#pragma once

#include <memory>
#include <string>

#include "actors/registry/registry.hpp"
#include "actors/service/service_host.hpp"
#include "actors/transport/reactor_resources.hpp"

namespace weft {

/// `counters` outlives the services; `document` is what `rpc.discover` answers.
void add_node_methods(service_host& services, const std::string& node, const node_counters& counters,
                      const std::shared_ptr<const shared_document>& document);

}  // namespace weft
