// A user's program: one service, written as a coroutine, in a node of its own inside the process.
//
//     greeter PEER_PORT      listens on a free port and prints it; ends with 0 on SIGTERM
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include "actors/coro/sleep.hpp"
#include "actors/mesh_node.hpp"
#include "actors/service/service_host.hpp"

namespace {

using namespace std::chrono_literals;
using nlohmann::json;

/// Waits a little, asks a peer for its name, and greets both.
weft::coro::task<weft::json_result> greet(weft::context ctx, json params) {
  if (!params.is_object() || !params.contains("name") || !params["name"].is_string()) {
    co_return std::unexpected(
        weft::make_error(weft::error_code::invalid_params, R"(takes {"name": string})"));
  }
  if (!co_await weft::coro::sleep_for(ctx, 1ms)) {
    co_return std::unexpected(weft::make_error(weft::error_code::request_cancelled, "cancelled"));
  }
  const auto who = co_await ctx.peer("other").call("demo.whoami");
  if (!who) co_return std::unexpected(who.error());
  co_return json{{"greeting", "hello " + params["name"].get<std::string>()},
                 {"from", ctx.node()},
                 {"other", who->at("node")}};
}

sigset_t termination() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  return set;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: greeter PEER_PORT\n";
    return 64;
  }
  const sigset_t signals = termination();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  weft::service_host services;
  services.add({.name = "greeter.greet", .handler = weft::coroutine_handler(greet), .summary = "Greets"});
  weft::node_options options;
  options.id = "greeter";
  options.listen = {"127.0.0.1", 0};
  options.mesh.peers = {std::string("other=127.0.0.1:") + argv[1]};
  weft::mesh_node node(options, std::move(services), spdlog::stderr_logger_mt("greeter"));
  if (const auto started = node.start(); !started) {
    std::cerr << started.error() << '\n';
    return 1;
  }
  std::cout << node.listen_address().port << std::endl;
  int signal = 0;
  sigwait(&signals, &signal);
  return node.drain() ? 0 : 1;
}
