#include "node/commands/program.hpp"

#include <algorithm>
#include <exception>
#include <string_view>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "node/commands/bench.hpp"
#include "node/commands/call.hpp"
#include "node/commands/dev_certs.hpp"
#include "node/commands/gen.hpp"
#include "node/commands/health.hpp"
#include "node/commands/routes.hpp"
#include "node/config/nearest.hpp"
#include "node/process/exit_code.hpp"
#include "node/process/signals.hpp"
#include "node/process/standard_streams.hpp"
#include "node/process/version.hpp"

namespace weft {
namespace {

int refuse(std::string_view program, std::string_view what) {
  print_error(program, what);
  return exit_usage;
}

/// CLI11 would say "A subcommand is required" also about one that was mistyped. Empty when there is one.
std::string check_subcommand(const CLI::App& app, int argc, char** argv) {
  std::vector<std::string> known;
  for (const CLI::App* each : app.get_subcommands({})) known.push_back(each->get_name());
  const std::string list = fmt::format("{}", fmt::join(known, ", "));
  if (argc < 2) return fmt::format("a subcommand is missing; use one of {}, or --help", list);
  const std::string_view first = argv[1];
  if (first.starts_with('-') || std::ranges::find(known, first) != known.end()) return {};
  const auto near = near_name(first, known);
  return fmt::format("\"{}\" is not a subcommand{}; use one of {}, or --help", first,
                     near.empty() ? "" : fmt::format(", the nearest is \"{}\"", near), list);
}

std::string unknown_flag(const std::string& flag, const std::vector<std::string>& known) {
  // Other programs have it, and everybody on the machine can read what they are given.
  if (flag == "--token" && std::ranges::find(known, "--token-file") != known.end()) {
    return "flag --token: unknown; write the token into a file, which the list of processes does not show, "
           "and give --token-file FILE";
  }
  return fmt::format("flag {}: unknown{}", flag, suggestion(flag, known));
}

/// A sentence for each flag that the command line's subcommand does not have; empty when there is none.
std::string unknown_flags(const CLI::App& app) {
  const auto given = app.get_subcommands();
  const CLI::App& command = given.empty() ? app : *given.front();
  std::vector<std::string> known;
  for (const CLI::Option* each : command.get_options()) {
    for (const auto& name : each->get_lnames()) known.push_back("--" + name);
  }
  std::vector<std::string> complaints;
  for (const auto& argument : command.remaining()) {
    if (!argument.starts_with('-') || argument.size() < 2) continue;
    const auto flag = argument.substr(0, argument.find('='));
    complaints.push_back(unknown_flag(flag, known));
  }
  return fmt::format("{}", fmt::join(complaints, "; "));
}

int run(int argc, char** argv, program_description& description) {
  CLI::App app{description.summary, description.name};
  int exit_code = exit_ok;
  app.set_version_flag("--version", fmt::format("weft {}", version()));
  app.require_subcommand(1);
  add_node_command(app, exit_code, std::move(description.hooks));
  add_call_command(app, exit_code);
  add_bench_command(app, exit_code);
  add_health_command(app, exit_code);
  add_routes_command(app, exit_code);
  add_gen_command(app, exit_code);
  add_dev_certs_command(app, exit_code);
  if (const std::string complaint = check_subcommand(app, argc, argv); !complaint.empty())
    return refuse(description.name, complaint);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return app.exit(e);
    // What stands behind an unknown flag may have been taken for something else: the flag is what is wrong.
    const auto unknown = unknown_flags(app);
    const auto given = app.get_subcommands();
    return refuse(description.name,
                  fmt::format("{}; see {} {}--help", unknown.empty() ? e.what() : unknown, description.name,
                              given.empty() ? "" : given.front()->get_name() + " "));
  }
  return exit_code;
}

}  // namespace

int run_program(int argc, char** argv, program_description description) {
  prepare_signals(argc, argv);
  open_standard_descriptors();
  try {
    const int code = run(argc, argv, description);
    const auto written = flush_standard_output();
    if (written || code != exit_ok) return code;
    print_error(description.name, written.error());
  } catch (const std::exception& e) {
    print_error(description.name, e.what());
  }
  return exit_failed;
}

}  // namespace weft
