#include "node/commands/routes.hpp"

#include <algorithm>
#include <array>
#include <iostream>
#include <memory>
#include <string_view>
#include <vector>

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

constexpr std::array<std::string_view, 10> titles = {"METHOD",   "POLICY",    "NODE",       "INSTANCE",
                                                     "STATE",    "IN FLIGHT", "LATENCY ms", "CALLS",
                                                     "FAILURES", "EJECTIONS"};
constexpr std::size_t first_number = 5;
using row = std::array<std::string, titles.size()>;

std::size_t width_of(std::string_view text) {
  // Without what continues a character in UTF-8.
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

void add_rows(std::vector<row>& rows, const json& route) {
  auto method = printable(route.value("method", ""));
  if (const auto waiting = route.value("waiting", 0); waiting > 0)
    method += fmt::format(" ({} waiting)", waiting);
  const auto policy = printable(route.value("policy", ""));
  if (policy == "in_process") return rows.push_back({method, policy, "(this)", "in the process", "healthy"});
  const auto instances = route.value("instances", json::array());
  if (instances.empty()) rows.push_back({method, policy, "-", "no instance left", "gone"});
  for (const auto& i : instances) {
    rows.push_back(
        {method, policy, printable(i.value("node", "")) + (i.value("local", false) ? " (this)" : ""),
         instance_name(i), printable(i.value("state", "")), std::to_string(i.value("in_flight", 0)),
         fmt::format("{:.3f}", i.value("latency_ms", 0.0)), std::to_string(i.value("calls", 0ULL)),
         std::to_string(i.value("failures", 0ULL)), std::to_string(i.value("ejections", 0ULL))});
  }
}

/// Columns as wide as what stands in them: texts to the left, numbers to the right.
void print_table(const json& routes, std::ostream& output) {
  std::vector<row> rows(1);
  std::ranges::copy(titles, rows.front().begin());
  for (const auto& route : routes) {
    if (route.is_object()) add_rows(rows, route);
  }
  std::array<std::size_t, titles.size()> widths{};
  for (const auto& each : rows) {
    for (std::size_t i = 0; i < each.size(); ++i) widths[i] = std::max(widths[i], width_of(each[i]));
  }
  for (const auto& each : rows) {
    std::string line;
    for (std::size_t i = 0; i < each.size(); ++i) {
      const std::string padding(widths[i] - width_of(each[i]), ' ');
      if (i > 0) line += "  ";
      line += i < first_number ? each[i] + padding : padding + each[i];
    }
    line.erase(line.find_last_not_of(' ') + 1);
    output << line << '\n';
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
