// Methods that call back, and handles of callers that outlive their calls.
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

service listener(arrival<std::string>* heard) {
  service some("listener");
  some.method("event", [heard](std::string what) { heard->put(std::move(what)); }, {.params = {"what"}});
  some.method("ask", [](int number) { return number + 1; }, {.params = {"number"}});
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
  EXPECT_EQ(client.call<std::string>("watch").get().value(), "ok");
  const auto kept = known.take();
  EXPECT_TRUE(kept.connected());
  kept.notify("event", "one");
  kept.notify("event", named({{"what", "two"}}));
  EXPECT_EQ(heard.take(), "one");
  EXPECT_EQ(heard.take(), "two");
  EXPECT_EQ(kept.call<int>("ask", 1).get().value(), 2);
  EXPECT_EQ(client.call<std::string>("watch").get().value(), "ok");
  EXPECT_EQ(known.take(), kept);

  auto under_way = kept.call<int>("ask", 1);
  EXPECT_TRUE(under_way.get());
  client.close();
  // The node hears of the end, whenever that is.
  while (kept.connected()) std::this_thread::yield();
  const auto late = kept.call<int>("ask", 1).get();
  EXPECT_EQ(late.error().code, 14);
  EXPECT_EQ(late.error().executed, executed::no);
  kept.notify("event", "three");
}

TEST_P(caller_test, a_caller_outlives_its_node) {
  auto client =
      client::connect(here.listen_address(), {.connect_timeout = far_away}, listener(&heard)).value();
  EXPECT_TRUE(client.call<std::string>("watch").get());
  const auto kept = known.take();
  here = start_node({}, "another");
  EXPECT_FALSE(kept.connected());
  kept.notify("event", "nobody");
  EXPECT_EQ(kept.call<int>("ask", 1).get().error().code, 14);
}

INSTANTIATE_TEST_SUITE_P(reactors, caller_test, testing::Values(1, 3));

TEST(client_notify, a_notification_reaches_a_method_of_the_node) {
  arrival<std::string> heard;
  const auto here = start_node({listener(&heard)});
  connect_to(here).notify("event", "hello");
  EXPECT_EQ(heard.take(), "hello");
}

}  // namespace
}  // namespace weft
