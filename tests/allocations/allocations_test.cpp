// A request that is answered at once, and one that is forwarded, allocate nothing once everything is warm:
// counted by replacing the global allocation functions, on the reactors' threads.
#include <atomic>
#include <cstdlib>
#include <new>
#include <thread>

#include <gtest/gtest.h>
#include <pthread.h>
#include <spdlog/sinks/null_sink.h>
#include <spdlog/spdlog.h>

#include "actors/mesh_node.hpp"
#include "actors/service/service_host.hpp"
#include "tests/actors/node_client.hpp"

namespace {

std::atomic<std::int64_t> allocations{0};
std::atomic<bool> counting{false};
thread_local bool is_reactor = false;

void* allocate(std::size_t size) {
  if (is_reactor && counting.load(std::memory_order_relaxed)) allocations.fetch_add(1);
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}

}  // namespace

void* operator new(std::size_t size) {
  return allocate(size);
}
void* operator new[](std::size_t size) {
  return allocate(size);
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  if (is_reactor && counting.load(std::memory_order_relaxed)) allocations.fetch_add(1);
  const auto rounded = (size + static_cast<std::size_t>(alignment) - 1) /
                       static_cast<std::size_t>(alignment) * static_cast<std::size_t>(alignment);
  if (void* memory = std::aligned_alloc(static_cast<std::size_t>(alignment), rounded)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete[](void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::align_val_t) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  std::free(memory);
}

namespace weft {
namespace {

constexpr int warm_up_rounds = 300;
constexpr int rounds = 300;

service_host services() {
  service_host host;
  host.add({.name = "foo", .handler = raw_handler([](std::string_view, std::string& out) {
                             is_reactor = true;
                             out.append(R"("ok")");
                             return std::optional<rpc_error>();
                           })});
  // A plain handler reads and builds JSON values.
  host.add({.name = "plain", .handler = plain_handler([](const nlohmann::json& params) { return params; })});
  return host;
}

node_options options(std::size_t reactors) {
  node_options made;
  made.id = "counted";
  made.listen.front().at.port = 0;
  made.reactors = reactors;
  // Nothing but the calls themselves may happen while they are counted.
  made.protocol.heartbeat_interval = std::chrono::hours(1);
  return made;
}

class allocations_test : public testing::Test {
 protected:
  void start(std::size_t reactors) {
    auto log = std::make_shared<spdlog::logger>("quiet", std::make_shared<spdlog::sinks::null_sink_mt>());
    node.emplace(options(reactors), services(), log);
    ASSERT_TRUE(node->start());
  }

  /// What `round` allocates on the reactors once it has been run often enough.
  template <class Round>
  std::int64_t allocated_by(Round&& round) {
    for (int i = 0; i < warm_up_rounds; ++i) round();
    allocations = 0;
    counting = true;
    for (int i = 0; i < rounds; ++i) round();
    counting = false;
    return allocations;
  }

  std::optional<mesh_node> node;
};

TEST_F(allocations_test, the_counter_counts) {
  start(1);
  node_client client(node->listen_address());
  client.call("foo");
  EXPECT_GT(allocated_by([&] { client.call("plain"); }), 0);
}

TEST_F(allocations_test, a_method_that_answers_at_once) {
  start(1);
  node_client client(node->listen_address());
  EXPECT_EQ(allocated_by([&] { client.call("foo"); }), 0);
}

TEST_F(allocations_test, requests_in_flight_together) {
  start(1);
  node_client client(node->listen_address());
  std::vector<nlohmann::json> requests;
  for (int id = 0; id < 32; ++id) requests.push_back({{"jsonrpc", "2.0"}, {"id", id}, {"method", "foo"}});
  EXPECT_EQ(allocated_by([&] {
              // One by one they would come together only when the machine is busy, which may be after warming
              // up.
              client.send_together(requests);
              for (int id = 0; id < 32; ++id) ASSERT_EQ(client.receive().value("result", ""), "ok");
            }),
            0);
}

class forwarded_calls : public allocations_test, public testing::WithParamInterface<std::size_t> {};

TEST_P(forwarded_calls, allocate_nothing) {
  start(GetParam());
  node_client service(node->listen_address());
  service.call("connect", {{"name", "counted"}, {"serves", {"users.get"}}});
  std::thread serving([&service] {
    for (auto request = service.receive(); !request.is_null(); request = service.receive()) {
      service.send({{"jsonrpc", "2.0"}, {"id", request["id"]}, {"result", "ok"}});
    }
  });
  std::vector<std::unique_ptr<node_client>> clients;
  // Enough that every reactor has some.
  for (int i = 0; i < 8; ++i) {
    clients.push_back(std::make_unique<node_client>(node->listen_address()));
    clients.back()->call("foo");
  }
  const auto forward = [](node_client& client) { return client.call("users.get", {{"name", "weft"}}); };
  // The routing table reaches the routers a moment after the service was told that it serves.
  for (auto& client : clients) {
    while (forward(*client).contains("error")) {
    }
  }
  EXPECT_EQ(allocated_by([&] {
              for (auto& client : clients) EXPECT_EQ(forward(*client).value("result", ""), "ok");
            }),
            0);
  service.shut_down();
  serving.join();
}

INSTANTIATE_TEST_SUITE_P(on_reactors, forwarded_calls, testing::Values(1U, 2U));

}  // namespace
}  // namespace weft
