// The `weft` program: one subcommand each for the node and its tools.
#include <algorithm>
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "node/config/nearest.hpp"
#include "node/exit_code.hpp"
#include "node/node_command.hpp"
#include "node/tools/bench.hpp"
#include "node/tools/call.hpp"
#include "node/tools/health.hpp"
#include "node/tools/routes.hpp"
#include "node/version.hpp"

namespace {

int refuse(std::string_view what) {
  fmt::print(stderr, "weft: {}\n", what);
  return weft::exit_usage;
}

/// CLI11 would say "A subcommand is required" also about one that was mistyped. Empty when there is one.
std::string check_subcommand(const CLI::App& app, int argc, char** argv) {
  std::vector<std::string> known;
  for (const CLI::App* each : app.get_subcommands({})) known.push_back(each->get_name());
  const std::string list = fmt::format("{}", fmt::join(known, ", "));
  if (argc < 2) return fmt::format("a subcommand is missing; use one of {}, or --help", list);
  const std::string_view first = argv[1];
  if (first.starts_with('-') || std::ranges::find(known, first) != known.end()) return {};
  return fmt::format("\"{}\" is not a subcommand, the nearest is \"{}\"; use one of {}, or --help", first,
                     weft::nearest_name(first, known), list);
}

int run(int argc, char** argv) {
  CLI::App app{"weft: a service-mesh node made of actors, speaking JSON-RPC", "weft"};
  int exit_code = weft::exit_ok;
  app.set_version_flag("--version", fmt::format("weft {}", weft::version()));
  app.require_subcommand(1);
  weft::add_node_command(app, exit_code);
  weft::add_call_command(app, exit_code);
  weft::add_bench_command(app, exit_code);
  weft::add_health_command(app, exit_code);
  weft::add_routes_command(app, exit_code);
  if (const std::string complaint = check_subcommand(app, argc, argv); !complaint.empty())
    return refuse(complaint);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return app.exit(e);
    return refuse(fmt::format("{}; see weft {} --help", e.what(), argv[1]));
  }
  return exit_code;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& e) {
    fmt::print(stderr, "weft: {}\n", e.what());
    return weft::exit_failed;
  }
}
