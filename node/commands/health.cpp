#include "node/commands/health.hpp"

#include <iostream>
#include <memory>

#include <fmt/format.h>

#include "actors/transport/network.hpp"
#include "node/client/http_get.hpp"
#include "node/commands/arguments.hpp"
#include "node/config/units.hpp"
#include "node/logging/printable.hpp"
#include "node/process/exit_code.hpp"

namespace weft::tools {

int run_health(const health_options& options, std::ostream& output, std::ostream& errors) {
  auto response = http_get(options.admin, "/readyz?verbose", options.timeout);
  if (!response) {
    errors << printable(response.error()) << '\n';
    return exit_unreachable;
  }
  output << printable_lines(response->body);
  if (!response->body.empty() && !response->body.ends_with('\n')) output << '\n';
  output << std::flush;
  if (response->status == 200) return exit_ok;
  errors << fmt::format("{} is not ready: HTTP status {}\n", format_host_port(options.admin),
                        response->status);
  return exit_failed;
}

}  // namespace weft::tools

namespace weft {

void add_health_command(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<tools::health_options>();
  CLI::App* command = app.add_subcommand("health", "Ask a node's admin port whether it is ready");
  tools::add_address(*command, "ADMIN", options->admin, "The node's admin port");
  tools::add_duration(*command, "--timeout", options->timeout, std::chrono::milliseconds(1),
                      "Give up after this time");
  command->footer("Exit: 0 ready, 1 not ready, 2 unreachable, 64 wrong usage.");
  command->callback([options, &exit_code] { exit_code = tools::run_health(*options, std::cout, std::cerr); });
}

}  // namespace weft
