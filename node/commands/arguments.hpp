// Command-line values of the tools that CLI11 does not know: addresses and durations. A wrong one is refused
// while the command line is parsed, as wrong usage.
#pragma once

#include <chrono>
#include <string>

#include <CLI/CLI.hpp>

#include "actors/config/options.hpp"

namespace weft::tools {

/// A required positional `HOST:PORT`. `target` must outlive the parsing.
CLI::Option* add_address(CLI::App& command, const std::string& name, host_port& target,
                         const std::string& help);

/// A duration with a unit, such as `500ms`, not below `least`; the present value of `target` is the default.
CLI::Option* add_duration(CLI::App& command, const std::string& name, std::chrono::nanoseconds& target,
                          std::chrono::nanoseconds least, const std::string& help);

}  // namespace weft::tools
