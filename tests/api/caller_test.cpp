// Methods that call back, and handles of callers that outlive their calls.
#include <thread>

#include <gmock/gmock.h>

#include "tests/api/node_here.hpp"

namespace weft {
namespace {

using namespace std::chrono_literals;

/// The subscribers of a test, which are used from the node's reactors and from the test.
class subscribers {
 public:
  void add(caller one) { list_.put(std::move(one)); }
  caller take() { return list_.take(); }

 private:
  arrival<caller> list_;
};

service topics(subscribers* known) {
  service some("topics");
  some.method("watch", [known](call_context ctx) {
    known->add(ctx.caller());
    return "ok";
  });
  return some;
}

async_generator<int> count(int to) {
  for (int i = 0; i < to; ++i) co_yield i;
}

service listener(arrival<std::string>* heard) {
  service some("listener");
  some.method("event", [heard](std::string what) { heard->put(std::move(what)); }, {.params = {"what"}});
  some.method("ask", [](int number) { return number + 1; }, {.params = {"number"}});
  some.method("count", count, {.params = {"to"}});
  return some;
}

class caller_test : public testing::TestWithParam<std::size_t> {
 protected:
  subscribers known;
  arrival<std::string> heard;
  node here = start_node({topics(&known)}, "here", GetParam());
};

TEST_P(caller_test, a_kept_caller_is_notified_and_called_until_it_goes) {
  auto client =
      client::connect(here.listen_address(), {.connect_timeout = far_away}, listener(&heard)).value();
  EXPECT_THAT(client.call<std::string>("watch").get(), IsOk("ok"));
  const auto kept = known.take();
  EXPECT_TRUE(kept.connected());
  kept.notify("event", "one");
  kept.notify("event", named({{"what", "two"}}));
  EXPECT_EQ(heard.take(), "one");
  EXPECT_EQ(heard.take(), "two");
  EXPECT_THAT(kept.call<int>("ask", 1).get(), IsOk(2));
  EXPECT_THAT(client.call<std::string>("watch").get(), IsOk("ok"));
  EXPECT_EQ(known.take(), kept);

  auto under_way = kept.call<int>("ask", 1);
  EXPECT_TRUE(under_way.get());
  client.close();
  // The node hears of the end, whenever that is.
  while (kept.connected()) std::this_thread::yield();
  const auto late = kept.call<int>("ask", 1).get();
  EXPECT_THAT(late, HasCode(14));
  EXPECT_EQ(late.error().executed, executed::no);
  kept.notify("event", "three");
}

task<result<int>> sum_at(caller from, int to) {
  auto numbers = from.stream<int>("count", to, {.window = 2});
  int sum = 0;
  while (const auto each = co_await numbers.next()) sum += *each;
  if (numbers.error()) co_return *numbers.error();
  co_return sum;
}

TEST_P(caller_test, a_kept_caller_streams) {
  auto client =
      client::connect(here.listen_address(), {.connect_timeout = far_away}, listener(&heard)).value();
  EXPECT_TRUE(client.call<std::string>("watch").get());
  const auto kept = known.take();
  std::vector<int> numbers;
  auto counted = kept.stream<int>("count", 100, {.window = 8});
  for (const int each : counted) numbers.push_back(each);
  EXPECT_EQ(counted.error(), std::nullopt);
  EXPECT_EQ(numbers.size(), 100);
  EXPECT_EQ(here.run(sum_at(kept, 10)).value(), 45);
  client.close();
  while (kept.connected()) std::this_thread::yield();
  auto late = kept.stream<int>("count", 100);
  EXPECT_EQ(late.next().get(), std::nullopt);
  EXPECT_EQ(late.error().value().code, 14);
}

TEST_P(caller_test, a_caller_outlives_its_node) {
  auto client =
      client::connect(here.listen_address(), {.connect_timeout = far_away}, listener(&heard)).value();
  EXPECT_TRUE(client.call<std::string>("watch").get());
  const auto kept = known.take();
  here = start_node({}, "another");
  EXPECT_FALSE(kept.connected());
  kept.notify("event", "nobody");
  EXPECT_THAT(kept.call<int>("ask", 1).get(), HasCode(14));
}

INSTANTIATE_TEST_SUITE_P(reactors, caller_test, testing::Values(1, 3));

task<std::string> tell(call_context ctx, std::string what) {
  ctx.mesh().notify("event", what);
  ctx.mesh().notify("nobody.hears.this", what);
  co_return "told";
}

task<std::string> tell_peer(call_context ctx, std::string peer, std::string what) {
  ctx.peer(peer).notify("event", what);
  ctx.peer("nobody").notify("event", what);
  co_return "told";
}

task<result<nlohmann::json>> reach(call_context ctx, std::string peer) {
  co_return co_await ctx.peer(peer).call("mesh.health");
}

service telling() {
  service some("telling");
  some.method("tell", tell, {.params = {"what"}})
      .method("tell_peer", tell_peer, {.params = {"peer", "what"}})
      .method("reach", reach, {.params = {"peer"}});
  return some;
}

client serve_at(const node& at, const service& methods) {
  return client::connect(at.listen_address(),
                         {.name = methods.name(), .connect_timeout = far_away, .serves = true}, methods)
      .value();
}

TEST(mesh_notify, reaches_whoever_serves_the_method) {
  arrival<std::string> heard;
  {
    SCOPED_TRACE("in the same node");
    const auto here = start_node({telling(), listener(&heard)}, "here", 3);
    EXPECT_THAT(here.call<std::string>("tell", "one").get(), IsOk("told"));
    EXPECT_EQ(heard.take(), "one");
  }
  {
    SCOPED_TRACE("at a service of the node, from a method of the node and from another service");
    const auto here = start_node({telling()}, "here", 3);
    const auto serving = serve_at(here, listener(&heard));
    EXPECT_THAT(here.call<std::string>("tell", "two").get(), IsOk("told"));
    EXPECT_EQ(heard.take(), "two");
    service some("others");
    some.method("tell.too", tell, {.params = {"what"}});
    const auto others = serve_at(here, some);
    EXPECT_THAT(here.call<std::string>("tell.too", "three").get(), IsOk("told"));
    EXPECT_EQ(heard.take(), "three");
  }
}

TEST(mesh_notify, reaches_a_peer) {
  arrival<std::string> heard;
  const auto there = start_node({listener(&heard)}, "there");
  const auto here = node::start({.id = "here",
                                 .listen = "127.0.0.1:0",
                                 .peers = {"there=" + there.listen_address()},
                                 .reactors = 3},
                                {telling()})
                        .value();
  while (!here.call("reach", "there").get()) std::this_thread::yield();
  EXPECT_THAT(here.call<std::string>("tell_peer", "there", "hello").get(), IsOk("told"));
  EXPECT_EQ(heard.take(), "hello");
}

TEST(client_notify, a_notification_reaches_a_method_of_the_node) {
  arrival<std::string> heard;
  const auto here = start_node({listener(&heard)});
  connect_to(here).notify("event", "hello");
  EXPECT_EQ(heard.take(), "hello");
}

}  // namespace
}  // namespace weft
