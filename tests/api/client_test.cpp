// A client of a node: each way to an answer, what goes with a call, and what becomes of calls when the
// connection goes.
#include "weft/client.hpp"

#include <ranges>
#include <thread>

#include <gmock/gmock.h>

#include "tests/api/node_here.hpp"

namespace weft {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::HasSubstr;

int twice(int number) {
  return 2 * number;
}

/// What became of calls of `hang`, in their order.
arrival<std::string> ended;

task<result<int>> hang(call_context ctx) {
  const auto slept = co_await sleep_for(ctx, 1h);
  ended.put(slept ? "slept" : std::string(to_string(slept.error())));
  co_return 0;
}

task<json> describe_call(call_context ctx) {
  co_return json{{"traceparent", ctx.traceparent()}, {"left", ctx.time_left().count()}, {"node", ctx.node()}};
}

service numbers() {
  service some("numbers");
  some.method("twice", twice, {.params = {"number"}}).method("hang", hang).method("call", describe_call);
  return some;
}

class client_test : public testing::Test {
 protected:
  node here = start_node({numbers()});
  client caller = connect_to(here, {.name = "me"});
};

TEST_F(client_test, a_plain_thread_waits_for_an_answer) {
  auto call = caller.call<int>("twice", 21);
  EXPECT_TRUE(call.wait_for(far_away));
  EXPECT_TRUE(call.ready());
  EXPECT_THAT(call.get(), IsOk(42));
  EXPECT_THAT(caller.call<int>("nobody.has.this").get(), HasCode(-32601));
}

TEST_F(client_test, calls_are_under_way_together) {
  std::vector<pending<int>> calls;
  for (int i = 0; i < 100; ++i) calls.push_back(caller.call<int>("twice", i));
  for (int i = 0; i < 100; ++i) EXPECT_THAT(calls[static_cast<std::size_t>(i)].get(), IsOk(2 * i));
}

task<result<int>> twice_twice(client node, int number) {
  const auto first = co_await node.call<int>("twice", number);
  if (!first) co_return first.error();
  co_return co_await node.call<int>("twice", *first);
}

TEST_F(client_test, a_coroutine_on_its_reactor_waits_for_an_answer) {
  EXPECT_EQ(caller.run(twice_twice(caller, 5)).value(), 20);
}

/// Goes on with whatever thread resumes it.
struct detached_coroutine {
  struct promise_type {
    detached_coroutine get_return_object() const noexcept { return {}; }
    std::suspend_never initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }
  };
};

detached_coroutine ask(client node, arrival<result<int>>* to) {
  to->put(co_await node.call<int>("twice", 4));
}

TEST_F(client_test, a_coroutine_of_another_library_waits_for_an_answer) {
  arrival<result<int>> answer;
  ask(caller, &answer);
  EXPECT_EQ(answer.take().value(), 8);
}

task<result<std::vector<int>>> all_twice(call_context, std::string address) {
  // A client inside a method of another node: it goes on on that node's reactor.
  auto node = client::connect(address, {.connect_timeout = far_away});
  if (!node) co_return node.error();
  const auto before = std::this_thread::get_id();
  const auto answers = co_await when_all(
      std::views::iota(0, 5) | std::views::transform([&](int i) { return node->call<int>("twice", i); }));
  std::vector<int> values;
  for (const auto& each : answers) values.push_back(each.value_or(-1));
  if (std::this_thread::get_id() != before) co_return error(1, "this goes on on another thread");
  co_return values;
}

TEST_F(client_test, a_method_of_another_node_waits_for_answers) {
  service other("other");
  other.method("all", all_twice, {.params = {"address"}});
  const auto there = start_node({other}, "there");
  const auto values = connect_to(there).call<std::vector<int>>("all", here.listen_address()).get();
  EXPECT_EQ(values.value(), (std::vector<int>{0, 2, 4, 6, 8}));
}

TEST_F(client_test, a_callback_gets_the_answer) {
  arrival<result<int>> answer;
  caller.call<int>("twice", 3).then([&](result<int> came) { answer.put(std::move(came)); });
  EXPECT_EQ(answer.take().value(), 6);
  caller.call<int>("no.method").then([&](result<int> came) { answer.put(std::move(came)); });
  EXPECT_THAT(answer.take(), HasCode(-32601));
}

TEST_F(client_test, a_future_gets_the_answer) {
  auto future = caller.call<int>("twice", 4).as_future();
  ASSERT_EQ(future.wait_for(far_away), std::future_status::ready);
  EXPECT_EQ(future.get().value(), 8);
}

int blocks_its_reactor(std::shared_ptr<client> node) {
  return node->call<int>("twice", 1).get().value_or(-1);
}

TEST_F(client_test, waiting_on_the_reactor_that_is_to_bring_the_answer_is_refused) {
  const auto shared = std::make_shared<client>(caller);
  const auto outcome = caller.run([](std::shared_ptr<client> node) -> task<int> {
    co_return blocks_its_reactor(std::move(node));
  }(shared));
  EXPECT_EQ(outcome, -1);
}

TEST_F(client_test, a_deadline_ends_the_call_at_both_sides) {
  const auto answer = caller.call<int>("hang", {.deadline = 20ms}).get();
  ASSERT_FALSE(answer);
  EXPECT_THAT(answer, HasCode(4));
  EXPECT_EQ(answer.error().executed, executed::unknown);
  EXPECT_EQ(ended.take().empty(), false);
}

TEST_F(client_test, a_call_is_taken_back) {
  auto call = caller.call<int>("hang");
  EXPECT_TRUE(caller.call<int>("twice", 1).get());
  call.cancel();
  EXPECT_THAT(call.get(), HasCode(-32800));
  EXPECT_EQ(ended.take(), "cancelled by caller");
}

TEST_F(client_test, a_call_that_is_let_go_is_taken_back) {
  {
    const auto call = caller.call<int>("hang");
    EXPECT_TRUE(caller.call<int>("twice", 1).get());
  }
  EXPECT_EQ(ended.take(), "cancelled by caller");
}

TEST_F(client_test, trace_and_deadline_go_with_the_call) {
  const std::string trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const auto told = caller.call("call", {.deadline = 5s, .traceparent = trace}).get().value();
  EXPECT_EQ(told["traceparent"], trace);
  EXPECT_EQ(told["node"], "here");
  EXPECT_GT(told["left"], 0);
  EXPECT_LE(told["left"], 5000);
}

TEST_F(client_test, an_address_that_nobody_listens_on_is_an_error) {
  const auto refused = client::connect("127.0.0.1:1", {.connect_timeout = far_away});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused, HasCode(14));
  EXPECT_EQ(refused.error().executed, executed::no);
  EXPECT_THAT(refused.error().message, HasSubstr("127.0.0.1:1"));
  EXPECT_THAT(client::connect("nonsense").error().message, HasSubstr("nonsense"));
}

TEST(client_failover, calls_go_to_the_next_address) {
  auto first = std::make_optional(start_node({numbers()}, "first"));
  const auto second = start_node({numbers()}, "second");
  const auto caller =
      client::connect({first->listen_address(), second.listen_address()}, {.connect_timeout = far_away})
          .value();
  EXPECT_EQ(caller.node(), "first");
  EXPECT_EQ(caller.call("call").get().value()["node"], "first");
  auto lost = caller.call<int>("hang");
  EXPECT_TRUE(caller.call<int>("twice", 1).get());
  first.reset();
  const auto answer = lost.get();
  ASSERT_FALSE(answer);
  EXPECT_THAT(answer, HasCode(14));
  EXPECT_EQ(answer.error().executed, executed::unknown);
  EXPECT_EQ(caller.call("call", {.deadline = far_away}).get().value()["node"], "second");
}

TEST(client_failover, a_node_that_drains_is_left_without_a_failed_call) {
  auto first = start_node({numbers()}, "first");
  const auto second = start_node({numbers()}, "second");
  const auto caller =
      client::connect({first.listen_address(), second.listen_address()}, {.connect_timeout = far_away})
          .value();
  std::jthread drains([&] { EXPECT_TRUE(first.drain()); });
  for (std::string node = "first"; node != "second";) {
    const auto answer = caller.call("call", {.deadline = far_away}).get();
    ASSERT_TRUE(answer) << fmt::format("{}", answer.error());
    node = answer->at("node");
  }
}

TEST(client_end, calls_under_way_fail_when_it_is_closed) {
  const auto here = start_node({numbers()});
  const auto caller = connect_to(here);
  auto call = caller.call<int>("hang");
  EXPECT_TRUE(caller.call<int>("twice", 1).get());
  caller.close();
  EXPECT_THAT(call.get(), HasCode(14));
  const auto late = caller.call<int>("twice", 1).get();
  EXPECT_THAT(late, HasCode(14));
  EXPECT_EQ(late.error().executed, executed::no);
  EXPECT_EQ(ended.take(), "cancelled by caller");
}

TEST(node_calls, a_node_is_called_from_its_own_process) {
  const auto here = start_node({numbers()}, "here", 2);
  EXPECT_THAT(here.call<int>("twice", 8).get(), IsOk(16));
}

}  // namespace
}  // namespace weft
