// A node with a method of its own, in a program of your own.   greeter LISTEN NAME=HOST:PORT
//
// The method asks the peer NAME for its node id, as code that reads like a blocking call and holds no thread.
#include <cstdio>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "actors/mesh_node.hpp"
#include "actors/service/service_host.hpp"
#include "actors/transport/address.hpp"
#include "node/logging/log.hpp"
#include "node/process/signals.hpp"

namespace {

weft::coro::task<weft::json_result> greet(weft::context ctx, nlohmann::json params) {
  if (!params.is_object() || !params.contains("peer") || !params["peer"].is_string()) {
    co_return std::unexpected(
        weft::make_error(weft::error_code::invalid_params, R"(takes {"peer": string})"));
  }
  const auto who = co_await ctx.peer(params["peer"].get<std::string>()).call("demo.whoami");
  if (!who) co_return std::unexpected(who.error());
  co_return nlohmann::json{{"hello", who->at("node")}, {"from", ctx.node()}};
}

int serve(weft::node_options options) {
  weft::shutdown_signals signals;
  weft::service_host services;
  services.add({.name = "greet", .handler = weft::coroutine_handler(greet), .summary = "Greets a peer"});
  weft::mesh_node node(std::move(options), std::move(services), weft::make_logger({}));
  if (auto started = node.start(); !started) {
    fmt::print(stderr, "greeter: {}\n", started.error());
    return 1;
  }
  fmt::print("greeter listens on {}\n", weft::format_host_port(node.listen_address()));
  std::fflush(stdout);
  signals.wait();
  return node.drain() ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const auto listen = weft::parse_host_port(argc == 3 ? argv[1] : "");
  if (!listen) {
    fmt::print(stderr,
               "usage: greeter LISTEN NAME=HOST:PORT, as in: greeter 127.0.0.1:7410 b=127.0.0.1:7400\n");
    return 64;
  }
  weft::node_options options;
  options.id = "greeter";
  options.listen = *listen;
  options.mesh.peers = {argv[2]};
  return serve(std::move(options));
}
