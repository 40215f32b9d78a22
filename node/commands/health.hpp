// `weft health`: is a node ready? For health checks in containers that have neither shell nor curl.
#pragma once

#include <chrono>
#include <iosfwd>

#include <CLI/CLI.hpp>

#include "actors/config/options.hpp"

namespace weft {

/// Registers the subcommand; running it leaves the exit code in `exit_code`, which must outlive the parsing.
void add_health_command(CLI::App& app, int& exit_code);

namespace tools {

struct health_options {
  host_port admin;
  std::chrono::nanoseconds timeout = std::chrono::seconds(3);
};

/// Asks `/readyz?verbose` and prints the checks to `output`.
/// 0: ready; 1: not ready; 2: nothing that answers HTTP in time, with a sentence in `errors`.
int run_health(const health_options& options, std::ostream& output, std::ostream& errors);

}  // namespace tools
}  // namespace weft
