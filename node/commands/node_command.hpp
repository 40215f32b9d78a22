// `weft node`: configuration, wiring, and the life of the process from its start to its drain.
#pragma once

#include <functional>

namespace CLI {
class App;
}

namespace weft {

class service_host;

/// Registers the subcommand; running it leaves the exit code in `exit_code`, which must outlive the parsing.
/// `add_services` adds the methods of the program itself.
void add_node_command(CLI::App& app, int& exit_code, std::function<void(service_host&)> add_services);

}  // namespace weft
