// Attempts of calls: what is sent to whom, what they count, and what is left of them.
#include "actors/router/attempts.hpp"

#include "tests/actors/router/calls_case.hpp"

namespace weft {
namespace {

using namespace std::chrono_literals;

class attempts_test : public calls_case {
 protected:
  attempts_test() { c.asked.deadline = site.now() + 250ms; }

  attempts& tries = work.attempts;
  connection_entry& client = connect();
  connection_entry& service = connect();
  const connection_address here{0, service.key()};
  const connection_address there{1, {5, 9}};
  call& c = book(client);
  attempt& a = c.attempts[0];
  const std::uint64_t id = c.key_of(a).number();
};

TEST_F(attempts_test, a_request_goes_out_with_an_id_of_its_own_and_the_time_that_is_left) {
  ASSERT_FALSE(tries.send(a, instance_of(service)));
  EXPECT_EQ(only_sent_to(service),
            (json{{"jsonrpc", "2.0"}, {"id", id}, {"method", "users.get"}, {"deadline_ms", 250}}));
  EXPECT_EQ(a.to, attempt::target::connection);
  EXPECT_EQ(service.load.attempts_received, &a);
  EXPECT_EQ(service.load.received_count, 1U);
  EXPECT_EQ(service.streams.received, 0U);
  EXPECT_EQ(work.book.named_by(service, std::to_string(id)), &a);
}

TEST_F(attempts_test, the_two_of_a_call_have_different_ids) {
  ASSERT_FALSE(tries.send(c.attempts[0], instance_of(service)));
  ASSERT_FALSE(tries.send(c.attempts[1], instance_of(service)));
  const auto messages = sent_to(service);
  ASSERT_EQ(messages.size(), 2U);
  EXPECT_NE(messages[0].at("id"), messages[1].at("id"));
  EXPECT_EQ(service.load.received_count, 2U);
}

TEST_F(attempts_test, some_time_is_always_left) {
  c.asked.deadline = site.now() - 1s;
  ASSERT_FALSE(tries.send(a, instance_of(service)));
  EXPECT_EQ(only_sent_to(service).at("deadline_ms"), 1);
}

TEST_F(attempts_test, what_is_left_is_rounded_up) {
  c.asked.deadline = site.now() + 1'001us;
  ASSERT_FALSE(tries.send(a, instance_of(service)));
  EXPECT_EQ(only_sent_to(service).at("deadline_ms"), 2);
}

TEST_F(attempts_test, a_call_without_a_deadline_is_sent_without_one) {
  c.asked.deadline = c.told.started + stream_without_deadline;
  ASSERT_FALSE(tries.send(a, instance_of(service)));
  EXPECT_FALSE(only_sent_to(service).contains("deadline_ms"));
}

TEST_F(attempts_test, nothing_is_sent_to_a_connection_that_takes_no_calls) {
  service.state.going_away = true;
  const auto failed = tries.send(a, instance_of(service));
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->code, number(error_code::unavailable));
  EXPECT_EQ(failed->ran, executed::no);
  EXPECT_FALSE(a.under_way());
  EXPECT_EQ(service.load.received_count, 0U);
  EXPECT_TRUE(sent_to(service).empty());
  EXPECT_TRUE(tries.send_direct(a, here));
  EXPECT_FALSE(a.under_way());
}

TEST_F(attempts_test, a_service_gets_no_request_over_the_limit_that_it_has_told) {
  service.party.accepts = c.asked.text.size();
  EXPECT_FALSE(tries.send(a, instance_of(service)));
  tries.detach(a);
  service.party.accepts = c.asked.text.size() - 1;
  const auto refused = tries.send(a, instance_of(service));
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->code, number(error_code::resource_exhausted));
  EXPECT_FALSE(a.under_way());
  EXPECT_TRUE(tries.send_direct(a, here));
  EXPECT_EQ(counted(metric::limit_peer_frame), 2);
}

TEST_F(attempts_test, over_a_link_there_is_room_for_what_is_added) {
  service.as = connection_entry::role::node_out;
  service.party.accepts = c.asked.text.size();
  EXPECT_TRUE(tries.send(a, instance_of(service)));
  service.party.accepts = c.asked.text.size() + 64;
  EXPECT_FALSE(tries.send(a, instance_of(service)));
  EXPECT_LE(only_sent_to(service).dump().size(), service.party.accepts);
}

TEST_F(attempts_test, one_at_another_reactor_goes_by_its_router) {
  ASSERT_FALSE(tries.send(a, instance_at(there)));
  EXPECT_EQ(a.to, attempt::target::router);
  EXPECT_EQ(a.target_reactor, 1U);
  const auto item = only_sent_away();
  EXPECT_EQ(item.what, remote_item::type::call);
  EXPECT_EQ(item.origin_reactor, 0U);
  EXPECT_EQ(item.origin, c.key_of(a));
  EXPECT_EQ(item.callee, there.key);
  EXPECT_EQ(item.method, "users.get");
  EXPECT_FALSE(item.streams);
  EXPECT_EQ(json::parse(item.text).at("deadline_ms"), 250);
  EXPECT_EQ(item.text.substr(item.id_at - 5, 5), R"("id":)") << "where the id is to be written";
  EXPECT_EQ(item.text[item.id_at + item.id_size], ',');
}

TEST_F(attempts_test, the_other_router_hears_that_a_call_streams) {
  c.stream = std::make_unique<stream_state>(1);
  ASSERT_FALSE(tries.send(a, instance_at(there)));
  EXPECT_TRUE(only_sent_away().streams);
  c.stream.reset();
}

TEST_F(attempts_test, a_request_to_one_certain_connection_has_nothing_changed_but_its_id) {
  ASSERT_FALSE(tries.send_direct(a, here));
  EXPECT_EQ(only_sent_to(service), (json{{"jsonrpc", "2.0"}, {"id", id}, {"method", "users.get"}}));
  EXPECT_EQ(service.load.attempts_received, &a);
  tries.detach(a);
  ASSERT_FALSE(tries.send_direct(a, there));
  const auto item = only_sent_away();
  EXPECT_EQ(item.callee, there.key);
  EXPECT_EQ(item.text, c.asked.text);
  EXPECT_EQ(item.id_at, c.asked.spans.id.at);
  EXPECT_EQ(item.id_size, c.asked.spans.id.size);
}

TEST_F(attempts_test, a_notification_goes_to_its_connection_wherever_that_is) {
  const std::string text = R"({"jsonrpc":"2.0","method":"tick"})";
  tries.notify(here, text);
  EXPECT_EQ(only_sent_to(service).at("method"), "tick");
  tries.notify(there, text);
  const auto item = only_sent_away();
  EXPECT_EQ(item.what, remote_item::type::notification);
  EXPECT_EQ(item.callee, there.key);
  EXPECT_EQ(item.text, text);
}

TEST_F(attempts_test, a_notification_is_dropped_where_there_is_no_room_for_it) {
  const std::string text = R"({"jsonrpc":"2.0","method":"tick"})";
  service.party.accepts = text.size() - 1;
  tries.notify(here, text);
  service.party.accepts = text.size();
  service.state.half_closed = true;
  tries.notify(here, text);
  EXPECT_TRUE(sent_to(service).empty());
}

TEST_F(attempts_test, a_cancellation_follows_its_request) {
  tries.cancel(a);
  EXPECT_TRUE(sent_to(service).empty()) << "nobody works on it";
  ASSERT_FALSE(tries.send(a, instance_of(service)));
  tries.cancel(a);
  const auto messages = sent_to(service);
  ASSERT_EQ(messages.size(), 2U);
  EXPECT_EQ(messages[0].at("id"), id);
  EXPECT_EQ(messages[1].at("method"), "$/cancelRequest");
  EXPECT_EQ(messages[1].at("params"), (json{{"id", id}}));
}

TEST_F(attempts_test, the_other_router_hears_whether_the_answer_is_still_awaited) {
  ASSERT_FALSE(tries.send(a, instance_at(there)));
  sent_away();
  tries.cancel(a, true);
  const auto awaited = only_sent_away();
  EXPECT_EQ(awaited.what, remote_item::type::cancel);
  EXPECT_EQ(awaited.origin, c.key_of(a));
  tries.cancel(a, false);
  EXPECT_EQ(only_sent_away().what, remote_item::type::abandon);
}

TEST_F(attempts_test, one_that_is_over_counts_nowhere) {
  const auto limit = std::make_shared<admission_state>(1);
  auto e = instance_of(service);
  c.stream = std::make_unique<stream_state>(1);
  permits::enter(a, limit);
  a.instance = e.state;
  e.state->begin();
  ASSERT_TRUE(e.state->take_probe());
  ASSERT_FALSE(tries.send(a, e));
  EXPECT_EQ(service.streams.received, 1U);
  tries.detach(a);
  EXPECT_FALSE(a.under_way());
  EXPECT_EQ(service.load.attempts_received, nullptr);
  EXPECT_EQ(service.load.received_count, 0U);
  EXPECT_EQ(service.streams.received, 0U);
  EXPECT_EQ(limit->in_flight(), 0);
  EXPECT_EQ(a.permit, nullptr);
  EXPECT_EQ(e.state->in_flight(), 0);
  EXPECT_EQ(e.state->calls(), 0) << "it says nothing about the instance";
  EXPECT_TRUE(e.state->take_probe()) << "and somebody else may try that";
  tries.detach(a);
  EXPECT_EQ(limit->in_flight(), 0) << "once";
  c.stream.reset();
}

TEST_F(attempts_test, others_at_the_same_callee_stay) {
  auto& second = book(client, 2);
  ASSERT_FALSE(tries.send(a, instance_of(service)));
  ASSERT_FALSE(tries.send(second.attempts[0], instance_of(service)));
  tries.detach(a);
  EXPECT_EQ(service.load.attempts_received, &second.attempts[0]);
  EXPECT_EQ(service.load.received_count, 1U);
}

TEST_F(attempts_test, each_knows_what_was_queued_before_it) {
  auto& second = book(client, 2);
  ASSERT_FALSE(tries.send(a, instance_of(service)));
  const auto bytes = service.out->bulk.size();
  ASSERT_FALSE(tries.send(second.attempts[0], instance_of(service)));
  EXPECT_EQ(a.queued_before, 0U);
  EXPECT_EQ(second.attempts[0].queued_before, bytes);
}

}  // namespace
}  // namespace weft
