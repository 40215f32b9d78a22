// The configuration's flags on a CLI11 command line.
#pragma once

#include <string>
#include <vector>

#include "node/config/loader.hpp"

namespace CLI {
class App;
}

namespace weft {

/// Adds `--config` and one flag for each row of the table. Unknown arguments are left for `flags_given`, so
/// that they are reported together with every other mistake.
void add_config_flags(CLI::App& app);

/// What the parsed command line gave, unknown flags included.
std::vector<flag_values> flags_given(const CLI::App& app);

/// The file that `--config`, else WEFT_CONFIG, names; empty for none.
std::string config_file_given(const CLI::App& app, std::span<const variable> environment);

/// Arguments that are neither flags nor their values.
std::vector<std::string> stray_arguments(const CLI::App& app);

}  // namespace weft
