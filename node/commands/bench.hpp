// `weft bench`: load on a node, closed or open loop, streams, or many idle connections.
#pragma once

#include <iosfwd>

#include <CLI/CLI.hpp>

#include "node/commands/bench/options.hpp"

namespace weft {

/// Registers the subcommand; running it leaves the exit code in `exit_code`, which must outlive the parsing.
void add_bench_command(CLI::App& app, int& exit_code);

namespace tools {

/// Runs the benchmark. Progress and failures go to `errors`, the report to `output`.
/// 0: every request got its result, or items came and no stream failed; 1: some failed; 2: no connection; 64:
/// wrong params or token file.
int run_bench(bench_options options, std::ostream& output, std::ostream& errors);

}  // namespace tools
}  // namespace weft
