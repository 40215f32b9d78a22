#include "node/commands/routes.hpp"

#include <iostream>
#include <memory>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "node/client/http_get.hpp"
#include "node/commands/arguments.hpp"
#include "node/logging/printable.hpp"
#include "node/process/exit_code.hpp"

namespace weft::tools {
namespace {

using nlohmann::json;

std::string instance_name(const json& instance) {
  const auto service = instance.value("service", "");
  const auto name = instance.value("instance", "");
  if (service.empty() && name.empty()) {
    const auto count = instance.value("instances", 1);
    return fmt::format("{} instance{} behind it", count, count == 1 ? "" : "s");
  }
  return printable(name.empty() ? service : service + "/" + name);
}

void print_table(const json& routes, std::ostream& output) {
  constexpr const char* row = "{:<28} {:<12} {:<26} {:<10} {:>9} {:>11} {:>9} {:>9} {:>9}\n";
  output << fmt::format(fmt::runtime(row), "METHOD", "NODE", "INSTANCE", "STATE", "IN FLIGHT", "LATENCY ms",
                        "CALLS", "FAILURES", "EJECTIONS");
  for (const auto& route : routes) {
    if (!route.is_object()) continue;
    auto method = printable(route.value("method", ""));
    if (const auto waiting = route.value("waiting", 0); waiting > 0)
      method += fmt::format(" ({} waiting)", waiting);
    if (route.value("policy", "") == "in_process") {
      output << fmt::format(fmt::runtime(row), method, "(this)", "in the process", "healthy", "", "", "", "",
                            "");
      continue;
    }
    const auto instances = route.value("instances", json::array());
    if (instances.empty()) {
      output << fmt::format(fmt::runtime(row), method, "-", "no instance left", "gone", "", "", "", "", "");
    }
    for (const auto& i : instances) {
      output << fmt::format(fmt::runtime(row), method,
                            printable(i.value("node", "")) + (i.value("local", false) ? " (this)" : ""),
                            instance_name(i), printable(i.value("state", "")), i.value("in_flight", 0),
                            fmt::format("{:.3f}", i.value("latency_ms", 0.0)), i.value("calls", 0),
                            i.value("failures", 0), i.value("ejections", 0));
    }
  }
}

}  // namespace

int run_routes(const routes_options& options, std::ostream& output, std::ostream& errors) {
  const auto response = http_get(options.admin, "/routes", options.timeout);
  if (!response) {
    errors << printable(response.error()) << '\n';
    return exit_unreachable;
  }
  const auto routes = json::parse(response->body, nullptr, false);
  if (response->status != 200 || !routes.is_array()) {
    errors << fmt::format("the admin port answered with HTTP status {} instead of its routes\n",
                          response->status);
    return exit_failed;
  }
  if (options.json) {
    output << printable_json(response->body) << std::flush;
  } else {
    print_table(routes, output);
    output << std::flush;
  }
  return exit_ok;
}

}  // namespace weft::tools

namespace weft {

void add_routes_command(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<tools::routes_options>();
  CLI::App* command =
      app.add_subcommand("routes", "Show which methods a node can route, and to which instances");
  tools::add_address(*command, "ADMIN", options->admin, "The node's admin port");
  tools::add_duration(*command, "--timeout", options->timeout, std::chrono::milliseconds(1),
                      "Give up after this time");
  command->add_flag("--json", options->json, "The admin page as it is");
  command->footer("Exit: 0 shown, 1 the node refused, 2 unreachable, 64 wrong usage.");
  command->callback([options, &exit_code] { exit_code = tools::run_routes(*options, std::cout, std::cerr); });
}

}  // namespace weft
