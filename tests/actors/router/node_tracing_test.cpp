// The spans of a node inside the process: handlers of every kind, and the calls that they make.
#include <map>
#include <thread>

#include <gmock/gmock.h>
#include <spdlog/sinks/null_sink.h>
#include <spdlog/spdlog.h>

#include "actors/coro/sleep.hpp"
#include "actors/mesh_node.hpp"
#include "actors/service/service_host.hpp"
#include "actors/telemetry/span_queue.hpp"
#include "tests/actors/node_client.hpp"

namespace weft {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr std::string_view sampled = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
constexpr std::uint64_t first_parent = 0x00f067aa0ba902b7U;

coro::task<json_result> call_middle(handler_context ctx, json) {
  co_return co_await ctx.mesh().call("middle");
}

coro::task<json_result> ask_caller(handler_context ctx, json) {
  co_return co_await ctx.caller().call("ask");
}

coro::task<json_result> call_each_kind(handler_context ctx, json) {
  for (const std::string kind : {"raw", "plain", "blocking"}) {
    if (auto answer = co_await ctx.mesh().call(kind); !answer) co_return answer;
  }
  co_return "done";
}

coro::task<json_result> fail_in_a_call(handler_context ctx, json) {
  co_return co_await ctx.mesh().call("failing");
}

class node_tracing_test : public testing::Test {
 protected:
  node_tracing_test() {
    options.id = "here";
    options.listen = {{{"127.0.0.1", 0}}};
    options.reactors = 1;
    services.add({.name = "raw", .handler = raw_handler(write_null), .summary = {}});
    services.add({.name = "plain", .handler = plain_handler(give_null), .summary = {}});
    services.add({.name = "blocking", .handler = blocking_handler{give_null}, .summary = {}});
    services.add({.name = "failing", .handler = plain_handler(give_error), .summary = {}});
    services.add({.name = "outer", .handler = coroutine_handler(call_middle), .summary = {}});
    services.add({.name = "middle", .handler = coroutine_handler(ask_caller), .summary = {}});
    services.add({.name = "each", .handler = coroutine_handler(call_each_kind), .summary = {}});
    services.add({.name = "fail_in_a_call", .handler = coroutine_handler(fail_in_a_call), .summary = {}});
  }

  static std::optional<rpc_error> write_null(std::string_view, std::string& out) {
    out += "null";
    return std::nullopt;
  }
  static json_result give_null(const json&) { return json(nullptr); }
  static json_result give_error(const json&) { return std::unexpected(rpc_error{-32001, "no", ""}); }

  void start() {
    node.emplace(options, std::move(services), std::make_shared<spdlog::logger>("test"),
                 call_sinks{.log = {}, .spans = queue});
    const auto started = node->start();
    ASSERT_TRUE(started) << started.error();
    client.emplace(node->listen_address());
  }
  void request(std::string_view method) {
    client->send({{"jsonrpc", "2.0"}, {"id", 1}, {"method", method}, {"traceparent", sampled}});
  }
  /// The spans by name, once the node has ended.
  std::map<std::string, call_record> spans() {
    client.reset();
    node.reset();
    std::map<std::string, call_record> found;
    for (auto& record : queue->take(1000, 0ms)) {
      EXPECT_EQ(record.trace.at.trace_id_low, 0xa3ce929d0e0e4736U) << record.method;
      const auto name = std::to_string(static_cast<int>(record.side)) + " " + record.method;
      EXPECT_TRUE(found.emplace(name, std::move(record)).second) << name;
    }
    return found;
  }

  node_options options;
  service_host services;
  std::shared_ptr<span_queue> queue = std::make_shared<span_queue>(1000);
  std::optional<mesh_node> node;
  std::optional<node_client> client;
};

TEST_F(node_tracing_test, handlers_of_every_kind_have_a_span) {
  start();
  for (const char* kind : {"raw", "plain", "blocking", "failing"}) {
    request(kind);
    client->receive();
  }
  const auto made = spans();
  ASSERT_EQ(made.size(), 4U);
  for (const char* name : {"2 raw", "2 plain", "2 blocking", "2 failing"}) {
    const auto& span = made.at(name);
    EXPECT_EQ(span.trace.parent_span, first_parent);
    EXPECT_TRUE(span.registered);
    EXPECT_GT(span.duration, 0ns);
    EXPECT_EQ(span.code, span.method == "failing" ? -32001 : 0);
    EXPECT_EQ(span.caller_address.host, "127.0.0.1");
  }
}

TEST_F(node_tracing_test, calls_within_the_process_and_back_to_the_caller_are_one_chain) {
  start();
  request("outer");
  const auto asked = client->receive();
  client->send({{"jsonrpc", "2.0"}, {"id", asked.at("id")}, {"result", "answer"}});
  EXPECT_EQ(client->receive().at("result"), "answer");
  const auto sent = proto::parse_traceparent(asked.at("traceparent").get<std::string>());
  ASSERT_TRUE(sent);
  const auto made = spans();
  ASSERT_EQ(made.size(), 3U);
  EXPECT_EQ(made.at("2 outer").trace.parent_span, first_parent);
  EXPECT_EQ(made.at("1 middle").trace.parent_span, made.at("2 outer").trace.at.span_id);
  EXPECT_EQ(made.at("3 ask").trace.parent_span, made.at("1 middle").trace.at.span_id);
  EXPECT_EQ(sent->span_id, made.at("3 ask").trace.at.span_id);
}

TEST_F(node_tracing_test, calls_to_handlers_of_every_kind_within_the_process_are_siblings) {
  start();
  request("each");
  EXPECT_EQ(client->receive().at("result"), "done");
  const auto made = spans();
  ASSERT_EQ(made.size(), 4U);
  const auto parent = made.at("2 each").trace.at.span_id;
  for (const char* name : {"1 raw", "1 plain", "1 blocking"}) {
    EXPECT_EQ(made.at(name).trace.parent_span, parent) << name;
  }
}

TEST_F(node_tracing_test, a_failure_shows_in_the_span_of_each_that_it_passes) {
  start();
  request("fail_in_a_call");
  EXPECT_EQ(client->receive().at("error").at("code"), -32001);
  const auto made = spans();
  EXPECT_EQ(made.at("1 failing").code, -32001);
  EXPECT_EQ(made.at("2 fail_in_a_call").code, -32001);
}

TEST_F(node_tracing_test, a_call_that_its_maker_gives_up_is_recorded_once) {
  start();
  client->send(
      {{"jsonrpc", "2.0"}, {"id", 1}, {"method", "middle"}, {"deadline_ms", 20}, {"traceparent", sampled}});
  const auto asked = client->receive();
  EXPECT_EQ(asked.at("method"), "ask");
  // The answer and the cancellation, in either order.
  client->receive();
  client->receive();
  const auto made = spans();
  ASSERT_EQ(made.size(), 2U);
  EXPECT_EQ(made.at("2 middle").code, 4);
  EXPECT_EQ(made.at("3 ask").code, 4);
}

}  // namespace
}  // namespace weft
