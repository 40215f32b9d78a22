// The messages of a stream, as they go to each of its ends.
#include "actors/router/stream_messages.hpp"

#include "tests/actors/router/calls_case.hpp"

namespace weft {
namespace {

using kind = proto::stream_message;

class stream_messages_test : public calls_case {
 protected:
  stream_messages_test() { serving.streams = true; }

  call& stream() {
    auto* c = forward(client, request_text("users.list", 1, R"(,"stream":{"credit":5})"));
    EXPECT_NE(c, nullptr);
    sent_to(service);
    sent_away();
    return *c;
  }
  static proto::stream_members value(std::string_view raw) {
    proto::stream_members m;
    m.seq = "0";
    m.value = raw;
    return m;
  }
  void fill(connection_entry& entry, std::size_t bytes) {
    out.connections.output(entry).bulk.assign(bytes, 'x');
  }

  connection_entry& client = connect();
  connection_entry& service = connect();
  route& serving = serve("users.list", {instance_of(service)});
  stream_room room{site, out.connections};
  stream_failures failures{site, work.book};
  stream_messages messages{site, out.connections, out.outbox, room, failures};
};

TEST_F(stream_messages_test, a_value_goes_to_the_callee_with_the_id_that_it_knows) {
  auto& c = stream();
  EXPECT_TRUE(messages.to_callee(c, kind::send, value("[1]")));
  const auto told = only_sent_to(service);
  EXPECT_EQ(told.at("method"), "$/stream/send");
  EXPECT_EQ(told.at("params"), (json{{"id", c.key_of(c.attempts[0]).number()}, {"seq", 0}, {"value", {1}}}));
  EXPECT_FALSE(told.contains("id")) << "a notification";
}

TEST_F(stream_messages_test, a_message_to_a_callee_of_another_reactor_goes_by_its_router) {
  serving.endpoints = {instance_at({1, {5, 9}})};
  auto& c = stream();
  EXPECT_TRUE(messages.to_callee(c, kind::send, value("[1]")));
  const auto item = only_sent_away();
  EXPECT_EQ(item.what, remote_item::type::stream);
  EXPECT_EQ(item.stream, kind::send);
  EXPECT_EQ(item.origin_reactor, 0U);
  EXPECT_EQ(item.origin, c.key_of(c.attempts[0]));
  EXPECT_EQ(json::parse(item.text), (json{{"seq", 0}, {"value", {1}}}));
}

TEST_F(stream_messages_test, nothing_goes_to_a_callee_that_is_none_yet_or_gone) {
  auto& c = book(client, 2);
  c.stream = std::make_unique<stream_state>(1);
  EXPECT_TRUE(messages.to_callee(c, kind::send, value("[1]")));
  c.attempts[0].to = attempt::target::connection;
  c.attempts[0].callee = {service.key().slot, service.key().generation + 1};
  EXPECT_TRUE(messages.to_callee(c, kind::send, value("[1]")));
  c.attempts[0].to = attempt::target::none;
  c.stream.reset();
  EXPECT_TRUE(sent_to(service).empty());
  EXPECT_TRUE(sent_away().empty());
}

TEST_F(stream_messages_test, the_stream_ends_when_its_callee_takes_no_values_any_more) {
  options.limits.output_hard_bytes = 10'000;
  auto& c = stream();
  fill(service, 5'000);
  EXPECT_FALSE(messages.to_callee(c, kind::send, value("[1]")));
  EXPECT_EQ(code_of(only_sent_to(client)), number(error_code::resource_exhausted));
  EXPECT_EQ(counted(metric::limit_output_hard), 1);
  expect_nothing_under_way();
}

TEST_F(stream_messages_test, for_what_is_thrown_there_is_less_room) {
  options.limits.output_hard_bytes = 100'000;
  options.limits.output_soft_bytes = 10'000;
  auto& c = stream();
  fill(service, 10'000);
  EXPECT_TRUE(messages.to_callee(c, kind::send, value("[1]"))) << "which was granted";
  proto::stream_members m;
  m.error = R"({"code":1,"message":"no"})";
  EXPECT_FALSE(messages.to_callee(c, kind::raise, m));
  expect_nothing_under_way();
}

TEST_F(stream_messages_test, grants_and_the_end_always_go) {
  options.limits.output_hard_bytes = options.limits.output_soft_bytes = 100;
  auto& c = stream();
  fill(service, 1'000);
  proto::stream_members m;
  m.credit = "1";
  EXPECT_TRUE(messages.to_callee(c, kind::credit, m));
  EXPECT_TRUE(messages.to_callee(c, kind::end, {}));
  EXPECT_TRUE(work.book.find(client.key(), "1"));
}

TEST_F(stream_messages_test, the_router_that_a_leg_came_from_gets_what_its_callee_sends) {
  auto& leg = work.book.open(1, attempt_key{{3, 4}, 1});
  work.streams.open_leg(leg);
  messages.to_leg(leg, kind::item, value("[1]"));
  const auto item = only_sent_away();
  EXPECT_EQ(item.what, remote_item::type::stream);
  EXPECT_EQ(item.stream, kind::item);
  EXPECT_EQ(item.origin_reactor, 1U);
  EXPECT_EQ(item.origin, (attempt_key{{3, 4}, 1}));
  EXPECT_EQ(json::parse(item.text), (json{{"seq", 0}, {"value", {1}}}));
}

TEST_F(stream_messages_test, a_caller_hears_what_it_may_send_under_its_own_id) {
  proto::stream_members m;
  m.credit = "3";
  messages.accept_to(client, stream(), m);
  const auto told = only_sent_to(client);
  EXPECT_EQ(told.at("method"), "$/stream/accept");
  EXPECT_EQ(told.at("params"), (json{{"id", 1}, {"credit", 3}}));
}

TEST_F(stream_messages_test, items_are_numbered_as_they_are_told) {
  auto& c = stream();
  messages.item_to(client, c, "[1]", "");
  messages.item_to(client, c, "[2]", R"("here")");
  const auto told = sent_to(client);
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(told[0].at("method"), "$/stream/item");
  EXPECT_EQ(told[0].at("params"), (json{{"id", 1}, {"seq", 0}, {"value", {1}}}));
  EXPECT_EQ(told[1].at("params"), (json{{"id", 1}, {"seq", 1}, {"value", {2}}, {"cursor", "here"}}));
  EXPECT_EQ(c.stream->seq.told, 2);
}

}  // namespace
}  // namespace weft
