// Services at a node: clients that serve, whom other clients call through it; tokens; the choice of an
// instance.
#include <csignal>
#include <set>
#include <thread>

#include <gmock/gmock.h>
#include <pthread.h>

#include "actors/access/access_policy.hpp"
#include "actors/mesh_node.hpp"
#include "actors/service/service_host.hpp"
#include "actors/transport/network.hpp"
#include "tests/api/node_here.hpp"

namespace weft {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class served_test : public testing::Test {
 protected:
  served_test() {
    options.id = "here";
    options.listen = {{{"127.0.0.1", 0}}};
    options.reactors = 2;
  }

  /// With what `options` hold by then.
  std::string start() {
    here.emplace(options, service_host(), log.logger());
    const auto started = here->start();
    EXPECT_TRUE(started) << started.error();
    return format_host_port(here->listen_address());
  }

  kept_log log;
  node_options options;
  std::optional<mesh_node> here;
};

int twice(int number) {
  return 2 * number;
}

task<result<int>> by_another(call_context ctx, int number) {
  co_return co_await ctx.mesh().call<int>("numbers.twice", number);
}

service numbers() {
  service some("numbers");
  some.method("numbers.twice", twice, {.params = {"number"}, .summary = "Doubles", .idempotent = true});
  return some;
}

client serve_at(const std::string& address, const service& methods, std::string instance = {}) {
  auto serving = client::connect(
      address,
      {.name = methods.name(), .instance = std::move(instance), .connect_timeout = far_away, .serves = true},
      methods);
  EXPECT_TRUE(serving) << fmt::format("{}", serving.error());
  return std::move(serving).value();
}

TEST_F(served_test, services_and_clients_meet_at_a_node) {
  const auto address = start();
  const auto serving = serve_at(address, numbers());
  service more("more");
  more.method("more.twice", by_another, {.params = {"number"}});
  const auto also_serving = serve_at(address, more);
  const auto caller = client::connect(address, {.connect_timeout = far_away}).value();
  EXPECT_THAT(caller.call<int>("numbers.twice", 4).get(), IsOk(8));
  EXPECT_THAT(caller.call<int>("more.twice", 5).get(), IsOk(10));
  const auto refused = caller.call<int>("numbers.twice", "four").get();
  EXPECT_THAT(refused, HasCode(-32602));
  EXPECT_THAT(refused.error().message, HasSubstr("'number' is an integer"));
  const auto document = caller.call("rpc.discover").get().value();
  const auto found = std::ranges::find_if(
      document["methods"], [](const nlohmann::json& each) { return each["name"] == "numbers.twice"; });
  ASSERT_NE(found, document["methods"].end());
  EXPECT_EQ((*found)["params"][0]["schema"]["type"], "integer");
  EXPECT_EQ((*found)["x-idempotent"], true);
}

TEST_F(served_test, a_service_that_closes_is_not_called_any_more) {
  const auto address = start();
  const auto serving = serve_at(address, numbers());
  const auto caller = client::connect(address, {.connect_timeout = far_away}).value();
  EXPECT_TRUE(caller.call<int>("numbers.twice", 4).get());
  serving.close();
  const auto late = caller.call<int>("numbers.twice", 4).get();
  ASSERT_FALSE(late);
  EXPECT_THAT(late.error().code, testing::AnyOf(14, -32601));
}

TEST(served_elsewhere, a_service_moves_when_its_node_drains) {
  const auto first = start_node({}, "first");
  const auto second = start_node({}, "second");
  const auto serving =
      client::connect({first.listen_address(), second.listen_address()},
                      {.name = "numbers", .connect_timeout = far_away, .serves = true}, numbers())
          .value();
  EXPECT_EQ(serving.node(), "first");
  EXPECT_THAT(first.call<int>("numbers.twice", 4).get(), IsOk(8));
  EXPECT_TRUE(first.drain());
  EXPECT_EQ(serving.node(), "second");
  EXPECT_THAT(second.call<int>("numbers.twice", 4).get(), IsOk(8));
}

/// weft::serve on a thread of its own, ended as by SIGTERM.
class serving_thread {
 public:
  serving_thread(addresses at, service methods)
      : thread_([this, at = std::move(at), methods = std::move(methods)] {
          code_ = serve(at, methods, {.log = log_.logger()});
        }) {}
  serving_thread(const serving_thread&) = delete;
  serving_thread& operator=(const serving_thread&) = delete;
  ~serving_thread() {
    if (thread_.joinable()) end();
  }
  int end() {
    ::pthread_kill(thread_.native_handle(), SIGTERM);
    return wait();
  }
  int wait() {
    thread_.join();
    return code_;
  }

 private:
  kept_log log_;
  int code_ = -1;
  std::thread thread_;
};

TEST_F(served_test, what_no_node_will_ever_take_is_not_tried_for_ever) {
  identity known{.name = "known",
                 .digests = {digest_of("the token of known")},
                 .node = false,
                 .quota = {},
                 .serve = method_set({"numbers.*"}),
                 .call = method_set({"*"})};
  options.auth.policy = std::make_shared<const access_policy>(std::vector{std::move(known)}, identity{});
  const auto address = start();
  const auto refused = [&](const addresses& at, const service& methods, std::string token) {
    testing::internal::CaptureStderr();
    EXPECT_EQ(serve(at, methods, {.token = std::move(token), .log = log.logger()}), 1);
    return testing::internal::GetCapturedStderr();
  };
  const auto begin = "numbers: the node at " + address + " refuses this service, and will go on to: ";
  EXPECT_THAT(refused(address, numbers(), "the token of nobody"), HasSubstr(begin + "nobody has this token"));
  EXPECT_THAT(refused({address, address}, numbers(), ""), HasSubstr("without a token one may not serve"));
  service other("other");
  other.method("other.method", twice, {.params = {"number"}});
  EXPECT_THAT(refused(address, other, "the token of known"), HasSubstr("'known' may not serve"));
}

TEST(served_elsewhere, a_node_that_refuses_is_passed_over_for_one_that_does_not) {
  const auto refusing = start_node({numbers()}, "refusing");
  const auto taking = start_node({}, "taking");
  serving_thread serving({refusing.listen_address(), taking.listen_address()}, numbers());
  while (!taking.call<int>("numbers.twice", 4).get()) std::this_thread::yield();
  EXPECT_EQ(serving.end(), 0);
  // It has a method of that name itself.
  EXPECT_EQ(serving_thread(refusing.listen_address(), numbers()).wait(), 1);
}

TEST(served_elsewhere, a_node_that_is_not_there_yet_is_waited_for) {
  std::string address;
  {
    const auto before = start_node({}, "before");
    address = before.listen_address();
  }
  serving_thread serving({address, address}, numbers());
  const auto late = node::start({.id = "late", .listen = address, .reactors = 1}).value();
  while (!late.call<int>("numbers.twice", 4).get()) std::this_thread::yield();
  EXPECT_EQ(serving.end(), 0);
}

TEST_F(served_test, a_token_says_who_a_client_is) {
  identity known{.name = "known",
                 .digests = {digest_of("the token of known")},
                 .node = false,
                 .quota = {},
                 .serve = method_set({"numbers.*"}),
                 .call = method_set({"*"})};
  options.auth.policy = std::make_shared<const access_policy>(std::vector{std::move(known)}, identity{});
  const auto address = start();
  const auto wrong = client::connect(address, {.token = "the token of nobody", .connect_timeout = far_away});
  ASSERT_FALSE(wrong);
  EXPECT_THAT(wrong, HasCode(16));
  EXPECT_THAT(wrong.error().message,
              HasSubstr("the node at " + address + " refuses this client: nobody has"));
  const auto right = client::connect(
      address, {.token = "the token of known", .connect_timeout = far_away, .serves = true}, numbers());
  ASSERT_TRUE(right) << fmt::format("{}", right.error());
  EXPECT_THAT(right->call<int>("numbers.twice", 2).get(), IsOk(4));
  service other("other");
  other.method("other.method", twice, {.params = {"number"}});
  const auto forbidden = client::connect(
      address, {.token = "the token of known", .connect_timeout = far_away, .serves = true}, other);
  EXPECT_THAT(forbidden, HasCode(7));
  const auto nobody = client::connect(address, {.connect_timeout = far_away}).value();
  EXPECT_THAT(nobody.call<int>("numbers.twice", 2).get(), HasCode(16));
}

TEST_F(served_test, the_same_route_key_is_the_same_instance) {
  options.balance.rules = {{"who", "consistent_hash"}};
  const auto address = start();
  std::vector<client> instances;
  for (const std::string name : {"a", "b", "c"}) {
    service some("who");
    some.method("who", [name] { return name; });
    instances.push_back(serve_at(address, some, name));
  }
  const auto caller = client::connect(address, {.connect_timeout = far_away}).value();
  std::set<std::string> reached;
  for (int key = 0; key < 40; ++key) {
    const auto first = caller.call<std::string>("who", {.route_key = key}).get().value();
    EXPECT_THAT(caller.call<std::string>("who", {.route_key = key}).get(), IsOk(first));
    reached.insert(first);
  }
  EXPECT_EQ(reached.size(), 3);
}

}  // namespace
}  // namespace weft
