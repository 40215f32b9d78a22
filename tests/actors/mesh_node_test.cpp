// A node inside the process, as a user of the library has it: handlers of every kind, what they throw, how it
// ends.
#include "actors/mesh_node.hpp"

#include <future>
#include <sstream>
#include <stdexcept>
#include <thread>

#include <gmock/gmock.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include "actors/coro/sleep.hpp"
#include "actors/service/service_host.hpp"
#include "actors/transport/network.hpp"
#include "tests/actors/node_client.hpp"

namespace weft {
namespace {

using nlohmann::json;
using std::chrono::hours;
using std::chrono::milliseconds;
using testing::HasSubstr;

[[noreturn]] void throw_exception() {
  throw std::runtime_error("secret detail");
}
[[noreturn]] void throw_number() {
  throw 42;
}

coro::task<json_result> throw_before_waiting(handler_context, json) {
  throw_exception();
  co_return json();
}

coro::task<json_result> throw_after_waiting(handler_context ctx, json) {
  (void)co_await coro::sleep_for(ctx, milliseconds(1));
  throw_number();
  co_return json();
}

coro::task<json_result> ask_peer(handler_context ctx, json params) {
  co_return co_await ctx.peer(params.value("peer", ""))
      .call(params.value("method", ""), params.value("params", json()));
}

coro::task<json_result> ask_anyone(handler_context ctx, json) {
  co_return co_await ctx.mesh().call("nobody.serves.this");
}

struct counted {
  explicit counted(std::shared_ptr<std::atomic<int>> alive) : alive_(std::move(alive)) {
    alive_->fetch_add(1);
  }
  ~counted() { alive_->fetch_sub(1); }
  counted(const counted&) = delete;
  counted& operator=(const counted&) = delete;

 private:
  std::shared_ptr<std::atomic<int>> alive_;
};

coro::task<json_result> sleep_for_hours(handler_context ctx, std::shared_ptr<std::atomic<int>> alive) {
  const counted here(alive);
  if (!co_await coro::sleep_for(ctx, hours(1))) {
    co_return std::unexpected(make_error(error_code::request_cancelled, "woken"));
  }
  co_return "ok";
}

template <class Handler>
method handled(std::string name, Handler handler) {
  return {.name = std::move(name), .handler = std::move(handler), .summary = {}};
}
method plain(std::string name, plain_handler run) {
  return handled(std::move(name), std::move(run));
}
method blocking(std::string name, std::function<json_result(const json&)> run) {
  return handled(std::move(name), blocking_handler{std::move(run)});
}
method raw(std::string name, raw_handler run) {
  return handled(std::move(name), std::move(run));
}
method coroutine(std::string name, coroutine_handler run) {
  return handled(std::move(name), std::move(run));
}

class mesh_node_test : public testing::Test {
 protected:
  mesh_node_test() {
    options.id = "here";
    options.listen = {{{"127.0.0.1", 0}}};
    options.reactors = 2;
  }

  /// The node, started with what `services` and `options` hold by then.
  mesh_node& start() {
    node.emplace(options, std::move(services), log);
    const auto started = node->start();
    EXPECT_TRUE(started) << started.error();
    return *node;
  }
  /// Ends the node, so that the log is complete.
  std::string log_text() {
    node.reset();
    return text.str();
  }
  std::int64_t counted_by(metric m) const { return node->metrics().values[static_cast<std::size_t>(m)]; }

  std::ostringstream text;
  std::shared_ptr<spdlog::logger> log =
      std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(text));
  node_options options;
  service_host services;
  std::optional<mesh_node> node;
};

TEST_F(mesh_node_test, serves_handlers_of_every_kind) {
  services.add(raw("raw", [](std::string_view params, std::string& out) -> std::optional<rpc_error> {
    out += params;
    return std::nullopt;
  }));
  services.add(
      plain("plain", [](const json& params) -> json_result { return params.at("x").get<int>() * 2; }));
  services.add(coroutine("coroutine",
                         [](handler_context ctx, json) -> coro::task<json_result> { co_return ctx.node(); }));
  services.add(
      blocking("blocking", [](const json& params) -> json_result { return params.at("x").get<int>() * 3; }));
  node_client client(start().listen_address());
  EXPECT_EQ(client.call("raw", {{"x", 1}})["result"], json({{"x", 1}}));
  EXPECT_EQ(client.call("plain", {{"x", 7}})["result"], 14);
  EXPECT_EQ(client.call("coroutine")["result"], "here");
  EXPECT_EQ(client.call("blocking", {{"x", 7}})["result"], 21);
  EXPECT_EQ(client.call("nothing")["error"]["code"], -32601);
}

TEST_F(mesh_node_test, an_error_is_answered_as_the_handler_gives_it) {
  const rpc_error error{-7, "no such user", R"({"id":5})"};
  services.add(plain("plain", [error](const json&) -> json_result { return std::unexpected(error); }));
  services.add(blocking("blocking", [error](const json&) -> json_result { return std::unexpected(error); }));
  services.add(raw("raw", [error](std::string_view, std::string& out) -> std::optional<rpc_error> {
    out += R"(["half a res)";
    return error;
  }));
  node_client client(start().listen_address());
  for (const auto* name : {"plain", "blocking", "raw"}) {
    EXPECT_EQ(client.call(name),
              json({{"jsonrpc", "2.0"},
                    {"id", 1},
                    {"error", {{"code", -7}, {"message", "no such user"}, {"data", {{"id", 5}}}}}}))
        << name;
  }
}

TEST_F(mesh_node_test, goes_on_after_whatever_a_handler_throws) {
  services.add(plain("plain.exception", [](const json&) -> json_result { throw_exception(); }));
  services.add(plain("plain.number", [](const json&) -> json_result { throw_number(); }));
  services.add(blocking("blocking.exception", [](const json&) -> json_result { throw_exception(); }));
  services.add(blocking("blocking.number", [](const json&) -> json_result { throw_number(); }));
  services.add(raw("raw.exception", [](std::string_view, std::string& out) -> std::optional<rpc_error> {
    out += "{";
    throw_exception();
  }));
  services.add(coroutine("coroutine.exception", throw_before_waiting));
  services.add(coroutine("coroutine.number", throw_after_waiting));
  const std::vector<std::string> names = {"plain.exception",    "plain.number",    "raw.exception",
                                          "blocking.exception", "blocking.number", "coroutine.exception",
                                          "coroutine.number"};
  start();
  node_client client(node->listen_address());
  node_client bystander(node->listen_address());
  for (const auto& name : names) {
    const auto answer = client.call(name);
    EXPECT_EQ(answer["error"]["code"], -32603) << answer;
    EXPECT_THAT(answer["error"]["message"].get<std::string>(), HasSubstr(name));
    EXPECT_THAT(answer.dump(), Not(HasSubstr("secret"))) << "what was thrown is for the log";
    EXPECT_EQ(bystander.call("mesh.health")["result"]["status"], "SERVING");
  }
  EXPECT_EQ(counted_by(metric::handler_exceptions), static_cast<std::int64_t>(names.size()));
  EXPECT_EQ(counted_by(metric::in_flight), 0);
  const auto written = log_text();
  for (const auto& name : names) EXPECT_THAT(written, HasSubstr(name));
  EXPECT_THAT(written, HasSubstr("secret detail"));
}

TEST_F(mesh_node_test, exceptions_in_a_batch_and_in_notifications_harm_nobody) {
  services.add(plain("good", [](const json&) -> json_result { return "good"; }));
  services.add(plain("bad", [](const json&) -> json_result { throw_exception(); }));
  services.add(coroutine("worse", throw_after_waiting));
  node_client client(start().listen_address());
  const auto message = [](const char* name, json id) {
    json m = {{"jsonrpc", "2.0"}, {"method", name}};
    if (!id.is_null()) m["id"] = std::move(id);
    return m;
  };
  client.send(message("bad", nullptr));
  client.send(message("worse", nullptr));
  client.send({message("bad", 1), message("worse", nullptr), message("good", 2), message("worse", 3)});
  const auto answers = client.receive();
  ASSERT_EQ(answers.size(), 3U) << answers;
  EXPECT_EQ(answers[0]["error"]["code"], -32603);
  EXPECT_EQ(answers[1]["result"], "good");
  EXPECT_EQ(answers[2]["error"]["code"], -32603);
}

TEST_F(mesh_node_test, blocking_handlers_are_limited_and_hold_up_nobody) {
  options.limits.blocking_calls = 2;
  options.limits.blocking_threads = 1;
  options.limits.share_percent = 100;
  std::promise<void> release;
  const auto released = release.get_future().share();
  services.add(blocking("wait", [released](const json&) -> json_result {
    released.wait();
    return "waited";
  }));
  start();
  node_client client(node->listen_address());
  // One runs, one waits for the only thread, and the third is one too many.
  for (int id = 1; id <= 3; ++id) client.request(id, "wait");
  const auto refused = client.receive();
  EXPECT_EQ(refused["id"], 3);
  EXPECT_EQ(refused["error"]["code"], 8);
  EXPECT_EQ(refused["error"]["data"]["executed"], "no");
  EXPECT_GT(refused["error"]["data"]["retry_after_ms"], 0);
  EXPECT_EQ(counted_by(metric::limit_blocking), 1);
  // A connection of each reactor is served meanwhile.
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(node_client(node->listen_address()).call("mesh.health")["result"]["status"], "SERVING");
  }
  release.set_value();
  for (int id = 1; id <= 2; ++id) EXPECT_EQ(client.receive()["result"], "waited");
  EXPECT_EQ(client.call("wait")["result"], "waited") << "there is room again";
}

TEST_F(mesh_node_test, the_result_of_a_blocking_handler_whose_caller_left_is_dropped) {
  std::promise<void> entered;
  std::promise<void> release;
  services.add(blocking("wait", [&, released = release.get_future().share()](const json&) -> json_result {
    entered.set_value();
    released.wait();
    return "too late";
  }));
  start();
  {
    node_client client(node->listen_address());
    client.request(1, "wait");
    entered.get_future().wait();
  }
  node_client other(node->listen_address());
  while (counted_by(metric::in_flight) != 0) other.call("mesh.health");
  release.set_value();
  while (counted_by(metric::late_results) != 1) other.call("mesh.health");
}

TEST_F(mesh_node_test, coroutines_call_peers_and_get_typed_errors) {
  services.add(coroutine("ask", ask_peer));
  services.add(coroutine("anyone", ask_anyone));
  node_options far_options = options;
  far_options.id = "far";
  service_host far_services;
  far_services.add(
      plain("twice", [](const json& params) -> json_result { return params.at("x").get<int>() * 2; }));
  mesh_node far(far_options, std::move(far_services), log);
  ASSERT_TRUE(far.start());
  options.mesh.peers = {"far=" + format_host_port(far.listen_address())};
  start();
  node_client client(node->listen_address());
  while (node->peers().empty() || node->peers().at(0).at("state") != "up") client.call("mesh.health");
  EXPECT_EQ(client.call("ask", {{"peer", "far"}, {"method", "twice"}, {"params", {{"x", 21}}}})["result"],
            42);
  const auto unserved = client.call("ask", {{"peer", "far"}, {"method", "none"}});
  EXPECT_EQ(unserved["error"]["code"], -32601);
  const auto unknown = client.call("ask", {{"peer", "nobody"}, {"method", "twice"}});
  EXPECT_EQ(unknown["error"]["code"], 14);
  EXPECT_EQ(unknown["error"]["data"], json({{"executed", "no"}, {"node", "here"}}));
  EXPECT_EQ(client.call("anyone")["error"]["code"], -32601);
  node.reset();
}

TEST_F(mesh_node_test, destroys_the_frames_of_coroutines_that_still_wait) {
  const auto alive = std::make_shared<std::atomic<int>>(0);
  services.add(coroutine(
      "sleep", [alive](handler_context ctx, json) { return sleep_for_hours(std::move(ctx), alive); }));
  start();
  node_client client(node->listen_address());
  for (int id = 1; id <= 10; ++id) client.request(id, "sleep");
  EXPECT_EQ(client.call("mesh.health", json::object(), 11)["result"]["status"], "SERVING");
  EXPECT_EQ(alive->load(), 10);
  node.reset();
  EXPECT_EQ(alive->load(), 0);
}

TEST_F(mesh_node_test, a_disconnect_destroys_the_frames_of_its_calls) {
  const auto alive = std::make_shared<std::atomic<int>>(0);
  services.add(coroutine(
      "sleep", [alive](handler_context ctx, json) { return sleep_for_hours(std::move(ctx), alive); }));
  start();
  node_client bystander(node->listen_address());
  {
    node_client client(node->listen_address());
    client.request(1, "sleep");
    while (alive->load() != 1) bystander.call("mesh.health");
  }
  while (alive->load() != 0 || counted_by(metric::coroutines) != 0) bystander.call("mesh.health");
}

coro::task<json_result> ask_inside(handler_context ctx, json params) {
  const auto answer =
      co_await ctx.mesh().call_raw(params.value("method", ""), params.value("raw", std::string()));
  if (!answer) co_return std::unexpected(answer.error());
  co_return *answer;
}

TEST_F(mesh_node_test, calls_inside_the_process_end_as_those_over_the_wire_do) {
  services.add(raw("throws", [](std::string_view, std::string& out) -> std::optional<rpc_error> {
    out += "half of";
    throw_exception();
  }));
  services.add(raw("echo", [](std::string_view params, std::string& out) -> std::optional<rpc_error> {
    out += params;
    return std::nullopt;
  }));
  services.add(plain("plain", [](const json&) -> json_result { throw_number(); }));
  services.add(blocking("blocking", [](const json&) -> json_result { throw_number(); }));
  services.add(coroutine("coroutine", throw_after_waiting));
  services.add(coroutine("ask", ask_inside));
  start();
  node_client client(node->listen_address());
  for (const auto* method : {"throws", "plain", "blocking", "coroutine"}) {
    const auto outside = client.call(method);
    const auto inside = client.call("ask", {{"method", method}, {"raw", "{}"}});
    EXPECT_EQ(inside["error"]["code"], -32603) << method << inside;
    EXPECT_EQ(inside["error"], outside["error"]) << method;
  }
  // A raw handler gets the bytes, whatever a double may hold of them.
  EXPECT_EQ(client.call("ask", {{"method", "echo"}, {"raw", "[1e400]"}})["result"], "[1e400]");
  EXPECT_EQ(client.call("ask", {{"method", "plain"}, {"raw", "[1e400]"}})["error"]["code"], -32602);
  EXPECT_EQ(counted_by(metric::outbound_in_flight), 0);
  EXPECT_EQ(counted_by(metric::held_request_bytes), 0);
  EXPECT_TRUE(node->drain()) << "nothing is left under way";
}

TEST_F(mesh_node_test, drains_when_nothing_is_in_flight) {
  start();
  node_client client(node->listen_address());
  client.call("mesh.health");
  EXPECT_TRUE(node->drain());
  EXPECT_EQ(client.receive(), nullptr) << "the connection is closed";
  EXPECT_FALSE(node->readiness().at(1).ok);
}

TEST_F(mesh_node_test, gives_up_draining_after_the_timeout) {
  options.drain_timeout = milliseconds(50);
  const auto alive = std::make_shared<std::atomic<int>>(0);
  services.add(coroutine(
      "sleep", [alive](handler_context ctx, json) { return sleep_for_hours(std::move(ctx), alive); }));
  start();
  node_client client(node->listen_address());
  client.request(1, "sleep");
  client.call("mesh.health", json::object(), 2);
  EXPECT_FALSE(node->drain());
}

TEST_F(mesh_node_test, a_drain_can_be_cut_short) {
  options.drain_timeout = hours(1);
  const auto alive = std::make_shared<std::atomic<int>>(0);
  services.add(coroutine(
      "sleep", [alive](handler_context ctx, json) { return sleep_for_hours(std::move(ctx), alive); }));
  start();
  node_client client(node->listen_address());
  client.call("connect");
  client.request(1, "sleep");
  auto drained = std::async(std::launch::async, [this] { return node->drain(); });
  EXPECT_EQ(client.receive().value("method", ""), "$/goaway");
  node->abort_drain();
  EXPECT_FALSE(drained.get());
}

TEST_F(mesh_node_test, tells_about_itself) {
  services.add(plain("users.get", [](const json&) -> json_result { return 1; }));
  start();
  EXPECT_EQ(node->id(), "here");
  EXPECT_NE(node->listen_address().port, 0);
  node_client client(node->listen_address());
  client.call("connect", json{{"name", "tester"}});
  client.call("users.get");
  const auto connections = node->connections();
  ASSERT_EQ(connections.size(), 1U);
  EXPECT_EQ(connections[0]["name"], "tester");
  EXPECT_EQ(node->methods().at(2).at("name"), "users.get");
  EXPECT_EQ(node->peers(), json::array());
  EXPECT_EQ(node->metrics().reactors, 2);
  EXPECT_EQ(counted_by(metric::requests), 2);
  for (const auto& check : node->readiness()) EXPECT_TRUE(check.ok) << check.name;
}

TEST_F(mesh_node_test, does_not_start_where_the_port_is_taken_and_says_so) {
  start();
  node_options second = options;
  second.listen = node->listen_addresses();
  mesh_node other(second, {}, log);
  const auto started = other.start();
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error(), HasSubstr(std::to_string(second.listen.front().at.port)));
}

TEST_F(mesh_node_test, may_end_without_ever_having_started_or_twice) {
  {
    const mesh_node never(options, {}, log);
  }
  start();
  node->stop();
  node->stop();
}

}  // namespace
}  // namespace weft
