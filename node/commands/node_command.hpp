// `weft node`: configuration, wiring, and the life of the process from its start to its drain.
#pragma once

#include <functional>

namespace CLI {
class App;
}

namespace weft {

class mesh_node;
class service_host;

/// What a program adds to the node.
struct node_hooks {
  /// Adds the methods of the program itself; called once, before the node starts.
  std::function<void(service_host&)> add_services = [](service_host&) {};
  /// The node runs, and, later, is about to stop.
  std::function<void(mesh_node&)> started = [](mesh_node&) {};
  std::function<void()> stopping = [] {};
};

/// Registers the subcommand; running it leaves the exit code in `exit_code`, which must outlive the parsing.
void add_node_command(CLI::App& app, int& exit_code, node_hooks hooks);

}  // namespace weft
