// `weft routes ADMIN`: which methods there are, who serves them, and how those do.
#pragma once

#include <chrono>
#include <iosfwd>

#include <CLI/CLI.hpp>

#include "actors/config/options.hpp"

namespace weft::tools {

struct routes_options {
  host_port admin;
  std::chrono::nanoseconds timeout = std::chrono::seconds(5);
  /// The page as it is instead of a table.
  bool json = false;
};

/// Exit code: 0, 2 when the node does not answer.
int run_routes(const routes_options& options, std::ostream& output, std::ostream& errors);

}  // namespace weft::tools

namespace weft {

void add_routes_command(CLI::App& app, int& exit_code);

}  // namespace weft
