// The `weft` program: the node and its tools, one subcommand each. A program of your own that is all of this
// and serves methods inside the node is a few lines:
//
//     int main(int argc, char** argv) {
//       return weft::run_program(argc, argv, {.name = "shop", .hooks = {.add_services = add_orders}});
//     }
#pragma once

#include <string>

#include "node/commands/node_command.hpp"

namespace weft {

struct program_description {
  std::string name = "weft";
  std::string summary = "weft: a service-mesh node made of actors, speaking JSON-RPC";
  node_hooks hooks{};
};

/// Runs what the arguments say, and returns the exit code. What is wrong with them is told on standard error.
int run_program(int argc, char** argv, program_description description = {});

}  // namespace weft
