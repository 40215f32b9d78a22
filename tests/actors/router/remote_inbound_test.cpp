// What the routers of other reactors bring.
#include "actors/router/remote_inbound.hpp"

#include "tests/actors/router/calls_case.hpp"

namespace weft {
namespace {

class remote_inbound_test : public calls_case {
 protected:
  /// Of the attempt `origin` of the other router, for `service`.
  remote_item call_item() const {
    remote_item item;
    item.what = remote_item::type::call;
    item.origin_reactor = 1;
    item.origin = origin;
    item.callee = service.key();
    item.method = "users.get";
    item.text = R"({"jsonrpc":"2.0","id":0,"method":"users.get"})";
    item.id_at = item.text.find(R"("id":)") + 5;
    item.id_size = 1;
    return item;
  }
  call& leg() {
    auto item = call_item();
    in.remote.on_item(item);
    auto* c = work.book.find(1, origin);
    EXPECT_NE(c, nullptr);
    return *c;
  }
  void tell(remote_item::type what) {
    remote_item item;
    item.what = what;
    item.origin_reactor = 1;
    item.origin = origin;
    in.remote.on_item(item);
  }
  /// A call of this router to an instance at the other reactor.
  call& away() {
    auto* c = forward(client, request_text("users.get"));
    EXPECT_NE(c, nullptr);
    sent_away();
    return *c;
  }
  void answer(const attempt_key& key, const std::function<void(remote_item&)>& with) {
    remote_item item;
    item.what = remote_item::type::answer;
    item.origin = key;
    with(item);
    in.remote.on_item(item);
  }

  const attempt_key origin{{3, 4}, 1};
  connection_entry& client = connect();
  connection_entry& service = connect();
  endpoint instance = instance_at({1, {5, 9}});
  route& serving = serve("users.get", {instance});
};

TEST_F(remote_inbound_test, a_call_is_sent_to_its_callee_and_its_answer_back) {
  auto& c = leg();
  EXPECT_EQ(c.asked.method, "users.get");
  EXPECT_FALSE(c.stream);
  const auto request = only_sent_to(service);
  EXPECT_EQ(request.at("id"), c.key_of(c.attempts[0]).number());
  EXPECT_EQ(request.at("method"), "users.get");
  const auto text = result_text(c.attempts[0]);
  respond(service, text);
  const auto item = only_sent_away();
  EXPECT_EQ(item.what, remote_item::type::answer);
  EXPECT_EQ(item.origin, origin);
  EXPECT_EQ(item.text, text) << "as it came";
  EXPECT_EQ(work.book.find(1, origin), nullptr);
  expect_nothing_under_way();
}

TEST_F(remote_inbound_test, legs_of_two_reactors_are_told_apart) {
  auto& c = leg();
  EXPECT_EQ(work.book.find(0, origin), nullptr);
  EXPECT_EQ(work.book.find(1, attempt_key{{3, 4}, 0}), nullptr);
  EXPECT_EQ(work.book.find(1, origin), &c);
}

TEST_F(remote_inbound_test, a_call_to_a_connection_that_is_gone_comes_back) {
  auto item = call_item();
  item.callee = {service.key().slot, service.key().generation + 1};
  in.remote.on_item(item);
  const auto back = only_sent_away();
  EXPECT_EQ(back.what, remote_item::type::answer);
  EXPECT_EQ(back.origin, origin);
  EXPECT_EQ(back.failure.code, number(error_code::unavailable));
  EXPECT_EQ(back.failure.ran, executed::no);
  expect_nothing_under_way();
}

TEST_F(remote_inbound_test, a_call_that_streams_does_so_here) {
  auto item = call_item();
  item.streams = true;
  in.remote.on_item(item);
  auto* c = work.book.find(1, origin);
  ASSERT_NE(c, nullptr);
  EXPECT_TRUE(c->stream);
  EXPECT_EQ(service.streams.received, 1U);
  EXPECT_EQ(counted(metric::streams_open), 0) << "it is open where it came from";
}

TEST_F(remote_inbound_test, a_notification_is_passed_on) {
  remote_item item;
  item.what = remote_item::type::notification;
  item.callee = service.key();
  item.text = R"({"jsonrpc":"2.0","method":"tick"})";
  in.remote.on_item(item);
  EXPECT_EQ(only_sent_to(service).at("method"), "tick");
  EXPECT_EQ(counted(metric::outbound_in_flight), 0);
}

TEST_F(remote_inbound_test, who_takes_a_call_back_still_gets_its_answer) {
  auto& c = leg();
  sent_to(service);
  tell(remote_item::type::cancel);
  EXPECT_EQ(only_sent_to(service).value("method", ""), "$/cancelRequest");
  ASSERT_EQ(work.book.find(1, origin), &c);
  respond(service, result_text(c.attempts[0]));
  EXPECT_EQ(only_sent_away().what, remote_item::type::answer);
}

TEST_F(remote_inbound_test, who_has_given_a_call_up_hears_nothing_more) {
  leg();
  sent_to(service);
  tell(remote_item::type::abandon);
  EXPECT_EQ(only_sent_to(service).value("method", ""), "$/cancelRequest");
  EXPECT_EQ(work.book.find(1, origin), nullptr);
  EXPECT_EQ(service.load.received_count, 0U);
  EXPECT_TRUE(sent_away().empty());
  expect_nothing_under_way();
}

TEST_F(remote_inbound_test, a_cancellation_that_comes_too_late_does_no_harm) {
  tell(remote_item::type::cancel);
  tell(remote_item::type::abandon);
  EXPECT_TRUE(sent_to(service).empty());
  EXPECT_TRUE(sent_away().empty());
}

TEST_F(remote_inbound_test, the_answer_of_another_reactor_goes_to_the_caller) {
  auto& c = away();
  answer(c.key_of(c.attempts[0]),
         [](remote_item& item) { item.text = R"({"jsonrpc":"2.0","id":4711,"result":7})"; });
  EXPECT_EQ(only_sent_to(client), (json{{"jsonrpc", "2.0"}, {"id", 1}, {"result", 7}}));
  EXPECT_EQ(instance.state->calls(), 1);
  EXPECT_EQ(instance.state->in_flight(), 0);
  expect_nothing_under_way();
}

TEST_F(remote_inbound_test, a_failure_at_another_reactor_is_one_of_the_instance) {
  auto& c = away();
  answer(c.key_of(c.attempts[0]),
         [&](remote_item& item) { item.failure = site.unavailable("gone", executed::unknown); });
  EXPECT_EQ(code_of(only_sent_to(client)), number(error_code::unavailable));
  EXPECT_EQ(instance.state->failures(), 1);
  expect_nothing_under_way();
}

TEST_F(remote_inbound_test, what_did_not_run_there_is_tried_again) {
  serving.endpoints.push_back(instance_of(service));
  auto* c = forward(client, request_text("users.get"));
  ASSERT_NE(c, nullptr);
  while (c->attempts[0].to == attempt::target::connection) {
    respond(service, result_text(c->attempts[0]));
    sent_to(client);
    c = forward(client, request_text("users.get"));
    ASSERT_NE(c, nullptr);
  }
  sent_to(service);
  answer(c->key_of(c->attempts[0]),
         [&](remote_item& item) { item.failure = site.unavailable("gone", executed::no); });
  EXPECT_TRUE(sent_to(client).empty());
  EXPECT_EQ(only_sent_to(service).value("method", ""), "users.get");
}

TEST_F(remote_inbound_test, what_no_instance_has_part_in_is_not_its_failure_and_not_tried_again) {
  serving.endpoints.push_back(instance_at({1, {6, 9}}));
  auto& c = away();
  answer(c.key_of(c.attempts[0]), [&](remote_item& item) {
    item.failure = site.exhausted("too much", executed::no);
    item.blameless = true;
  });
  EXPECT_EQ(code_of(only_sent_to(client)), number(error_code::resource_exhausted));
  EXPECT_TRUE(sent_away().empty());
  for (const auto& e : serving.endpoints) {
    EXPECT_EQ(e.state->failures(), 0);
    EXPECT_EQ(e.state->in_flight(), 0);
  }
  expect_nothing_under_way();
}

TEST_F(remote_inbound_test, an_answer_that_nobody_waits_for_is_counted) {
  answer({{3, 4}, 0}, [](remote_item& item) { item.text = R"({"jsonrpc":"2.0","id":1,"result":7})"; });
  EXPECT_EQ(counted(metric::late_results), 1);
  auto& c = away();
  answer({c.key, 1}, [](remote_item& item) { item.text = R"({"jsonrpc":"2.0","id":1,"result":7})"; });
  EXPECT_EQ(counted(metric::late_results), 2) << "the other attempt is not under way";
  EXPECT_TRUE(sent_to(client).empty());
}

}  // namespace
}  // namespace weft
