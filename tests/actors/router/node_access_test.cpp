// A node inside the process with an access policy, as a user of the library has it.
#include <gmock/gmock.h>
#include <spdlog/sinks/null_sink.h>
#include <spdlog/spdlog.h>

#include "actors/access/access_policy.hpp"
#include "actors/mesh_node.hpp"
#include "actors/service/service_host.hpp"
#include "tests/actors/node_client.hpp"

namespace weft {
namespace {

using nlohmann::json;

constexpr auto permission_denied = static_cast<int>(error_code::permission_denied);
constexpr auto unauthenticated = static_cast<int>(error_code::unauthenticated);

coro::task<json_result> call_inner(handler_context ctx, json params) {
  co_return co_await ctx.mesh().call("inner", params);
}

class node_access : public testing::Test {
 protected:
  node_access() {
    identity caller{.name = "caller",
                    .digests = {digest_of("token of caller")},
                    .node = false,
                    .quota = {},
                    .serve = {},
                    .call = method_set({"outer", "nobody.*"})};
    node_options options;
    options.id = "here";
    options.listen = {{{"127.0.0.1", 0}}};
    options.auth.policy = std::make_shared<const access_policy>(std::vector{std::move(caller)}, identity{});
    service_host services;
    services.add({.name = "inner", .handler = plain_handler([](const json& params) { return params; })});
    services.add({.name = "outer", .handler = coroutine_handler(call_inner)});
    node.emplace(std::move(options), std::move(services),
                 std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::null_sink_mt>()));
    const auto started = node->start();
    EXPECT_TRUE(started) << started.error();
  }

  static int code_of(const json& answer) { return answer.value("/error/code"_json_pointer, 0); }

  std::optional<mesh_node> node;
};

TEST_F(node_access, asks_for_a_token_and_lets_its_own_handlers_call_everything) {
  node_client client(node->listen_address());
  EXPECT_EQ(code_of(client.call("outer")), unauthenticated);
  EXPECT_TRUE(client.call("connect", {{"token", "token of caller"}}).contains("result"));
  EXPECT_EQ(client.call("outer", {{"a", 1}}).value("result", json()), (json{{"a", 1}}));
  EXPECT_EQ(code_of(client.call("inner")), permission_denied);
  EXPECT_EQ(code_of(client.call("nobody.serves")), static_cast<int>(error_code::method_not_found));
}

TEST_F(node_access, says_that_nothing_ran) {
  node_client client(node->listen_address());
  const auto answer = client.call("outer");
  EXPECT_EQ(answer.value("/error/data"_json_pointer, json()), (json{{"executed", "no"}, {"node", "here"}}));
}

TEST_F(node_access, counts_what_it_refuses) {
  node_client client(node->listen_address());
  client.call("inner");
  client.call("connect", {{"token", "token of nobody"}});
  const auto counted = node->metrics();
  EXPECT_EQ(counted.values[static_cast<std::size_t>(metric::auth_no_token)], 1);
  EXPECT_EQ(counted.values[static_cast<std::size_t>(metric::auth_wrong_token)], 1);
}

}  // namespace
}  // namespace weft
