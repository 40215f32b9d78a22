// `weft node`: configuration, wiring, and the life of the process from its start to its drain.
#pragma once

namespace CLI {
class App;
}

namespace weft {

/// Registers the subcommand; running it leaves the exit code in `exit_code`, which must outlive the parsing.
void add_node_command(CLI::App& app, int& exit_code);

}  // namespace weft
