// The router hop: one request through a whole node in this process, and a batch of them, over a loopback
// connection.
#include <string>

#include <arpa/inet.h>
#include <benchmark/benchmark.h>
#include <netinet/in.h>
#include <spdlog/sinks/null_sink.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <unistd.h>

#include "actors/mesh_node.hpp"
#include "actors/service/demo.hpp"
#include "actors/service/service_host.hpp"
#include "proto/frame.hpp"

namespace {

weft::node_options one_reactor() {
  weft::node_options options;
  options.id = "bench";
  options.listen.front().at.port = 0;
  options.reactors = 1;
  return options;
}

weft::service_host demo_services() {
  weft::service_host services;
  weft::add_demo_methods(services);
  return services;
}

int connect_to(const weft::host_port& to) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(to.port);
  ::inet_pton(AF_INET, to.host.c_str(), &address.sin_addr);
  const int descriptor = ::socket(AF_INET, SOCK_STREAM, 0);
  return ::connect(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? descriptor
                                                                                                 : -1;
}

void requests_through_the_router(benchmark::State& state) {
  weft::mesh_node node(one_reactor(), demo_services(), spdlog::null_logger_mt("router_bench"));
  spdlog::drop("router_bench");
  if (!node.start()) return state.SkipWithError("the node did not start");
  const int descriptor = connect_to(node.listen_address());
  if (descriptor < 0) return state.SkipWithError("no connection");
  std::string requests;
  std::string answers;
  for (std::int64_t i = 0; i < state.range(0); ++i) {
    weft::proto::append_frame(requests, R"({"jsonrpc":"2.0","id":1,"method":"foo"})");
    weft::proto::append_frame(answers, R"({"jsonrpc":"2.0","id":1,"result":"ok"})");
  }
  for (auto _ : state) {
    ::send(descriptor, requests.data(), requests.size(), MSG_NOSIGNAL);
    const auto got = ::recv(descriptor, answers.data(), answers.size(), MSG_WAITALL);
    if (got != static_cast<ssize_t>(answers.size())) {
      state.SkipWithError("the answers did not come");
      break;
    }
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
  ::close(descriptor);
}

BENCHMARK(requests_through_the_router)->Arg(1)->Arg(32)->UseRealTime();

}  // namespace
