// The service behind the NATS server: subscribed to `foo`, it parses the params and answers "ok".
#include <cstdio>

#include <nlohmann/json.hpp>

#include "bench/peers/nats_wire.hpp"
#include "node/commands/arguments.hpp"

namespace {

using nlohmann::json;

void answer(weft::peers::nats_connection& connection, std::string_view reply_to, std::string_view payload) {
  json params = payload.empty() ? json() : json::parse(payload);
  connection.publish(reply_to, "", json("ok").dump());
}

void serve(const weft::host_port& server) {
  weft::peers::nats_connection connection(server);
  connection.subscribe("foo");
  std::printf("ready listen=%s:%d\n", server.host.c_str(), server.port);
  std::fflush(stdout);
  for (;;) {
    connection.receive([&](std::string_view, std::string_view reply_to, std::string_view payload) {
      answer(connection, reply_to, payload);
    });
    connection.flush();
  }
}

}  // namespace

int main(int argc, char** argv) {
  weft::host_port server;
  CLI::App app("A service behind a NATS server");
  weft::tools::add_address(app, "SERVER", server, "Where the NATS server listens");
  CLI11_PARSE(app, argc, argv);
  try {
    serve(server);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
