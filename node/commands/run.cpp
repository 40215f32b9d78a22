// weft::run: a program's services inside a node that is all of `weft`.
#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "actors/api/loop_gate.hpp"
#include "actors/api/service_state.hpp"
#include "actors/mesh_node.hpp"
#include "node/commands/program.hpp"
#include "weft/service.hpp"

namespace weft {
namespace {

/// Options alone are those of `weft node`.
std::vector<char*> with_subcommand(int argc, char** argv) {
  static char node[] = "node";
  std::vector<char*> arguments(argv, argv + argc);
  const std::string_view first = argc > 1 ? argv[1] : "";
  const bool has_subcommand = !first.empty() && !first.starts_with('-');
  if (!has_subcommand && first != "--version") arguments.insert(arguments.begin() + std::min(argc, 1), node);
  arguments.push_back(nullptr);
  return arguments;
}

std::string file_name(int argc, char** argv) {
  const std::string_view path = argc > 0 ? argv[0] : "weft";
  return std::string(path.substr(path.rfind('/') + 1));
}

}  // namespace

int run(int argc, char** argv, const service& services) {
  return run(argc, argv, std::initializer_list<service>{services});
}

int run(int argc, char** argv, std::initializer_list<service> services) {
  const auto gate = std::make_shared<loop_gate>();
  std::vector<std::shared_ptr<service_state>> states;
  for (const auto& each : services) states.push_back(each.state());
  auto arguments = with_subcommand(argc, argv);
  program_description description;
  description.name = file_name(argc, argv);
  description.summary = description.name + ": a weft node with services of its own";
  description.hooks = {.add_services =
                           [&](service_host& host) {
                             for (const auto& each : states) each->add_to(host, gate);
                           },
                       .started =
                           [&](mesh_node& mesh) {
                             gate->open(mesh.routers());
                             for (const auto& each : states) each->open(launcher(gate));
                           },
                       .stopping =
                           [&] {
                             for (const auto& each : states) each->close();
                             gate->close();
                           }};
  return run_program(static_cast<int>(arguments.size()) - 1, arguments.data(), std::move(description));
}

}  // namespace weft
