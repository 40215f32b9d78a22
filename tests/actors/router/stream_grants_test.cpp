// What receivers of a stream grant, and how much of it its senders are told.
#include "actors/router/stream_grants.hpp"

#include "tests/actors/router/calls_case.hpp"

namespace weft {
namespace {

/// An end in this process: notes what it is granted.
struct end_here final : stream_end {
  void on_grant(std::int64_t more_items, std::int64_t more_bytes) override {
    ++grants;
    items += more_items;
    bytes += more_bytes;
  }
  void on_value(std::string_view) override {}
  void on_raise(rpc_error) override {}
  void on_half_close() override {}
  void on_answer() override {}
  int grants = 0;
  std::int64_t items = 0;
  std::int64_t bytes = 0;
};

class stream_grants_test : public calls_case {
 protected:
  stream_grants_test() { serving.streams = true; }

  call& stream(const std::string& member = R"(,"stream":{"credit":5})") {
    auto* c = forward(client, request_text("users.list", 1, member));
    EXPECT_NE(c, nullptr);
    asked = sent_to(service);
    return *c;
  }
  /// One that waits to be sent to an instance.
  call& waiting_stream(const std::string& text) {
    const message m(text);
    auto r = request_from(client, m);
    auto* c = work.book.open(r, out.records.stats().server_other());
    EXPECT_NE(c, nullptr);
    c->asked.text = m.text;
    c->asked.spans = {span_in(m.text, m.envelope.id), span_in(m.text, m.envelope.deadline_ms)};
    work.streams.open(*c, m.envelope, true);
    return *c;
  }
  static json parsed(const call& c) { return json::parse(c.asked.text); }

  connection_entry& client = connect();
  connection_entry& service = connect();
  route& serving = serve("users.list", {instance_of(service)});
  std::vector<json> asked;
  stream_grants& grants = work.streams.grants();
};

TEST_F(stream_grants_test, an_instance_is_told_with_the_request_what_the_caller_grants) {
  stream();
  ASSERT_EQ(asked.size(), 1U);
  const auto member = asked.front().at("stream");
  EXPECT_EQ(member.at("credit"), 5);
  EXPECT_EQ(member.at("bytes"), static_cast<std::int64_t>(options.limits.stream_window_bytes / 2));
}

TEST_F(stream_grants_test, the_request_of_a_caller_that_asks_for_no_stream_gets_the_member) {
  auto& c = waiting_stream(request_text("users.list", 12, R"(,"deadline_ms":900)"));
  grants.restart(c);
  EXPECT_EQ(parsed(c).at("id"), 12);
  EXPECT_GT(parsed(c).at("stream").at("credit").get<std::int64_t>(), 1);
  EXPECT_EQ(c.asked.text.substr(c.asked.spans.id.at, c.asked.spans.id.size), "12");
  EXPECT_EQ(c.asked.text.substr(c.asked.spans.deadline.at, c.asked.spans.deadline.size), "900");
  const auto before = parsed(c);
  grants.restart(c);
  EXPECT_EQ(parsed(c), before) << "written in its place";
}

TEST_F(stream_grants_test, the_next_instance_gets_the_whole_rest_and_where_to_go_on) {
  auto& c = waiting_stream(request_text("users.list", 12, R"(,"stream":{"credit":5},"deadline_ms":900)"));
  grants.restart(c);
  auto& s = *c.stream;
  s.down.take(10, 10);
  s.down.drained();
  s.elsewhere.cursor = R"("here")";
  s.elsewhere.moving = true;
  s.seq.due = 1;
  s.input.credit = 3;
  s.up.grant({7});
  grants.restart(c);
  EXPECT_EQ(parsed(c).at("stream").at("credit"), 4);
  EXPECT_EQ(parsed(c).at("stream").at("after"), "here");
  EXPECT_EQ(c.asked.text.substr(c.asked.spans.deadline.at, c.asked.spans.deadline.size), "900");
  EXPECT_EQ(s.seq.due, 0) << "it counts anew";
  EXPECT_EQ(s.input.credit, 0) << "nothing of what the last one took";
  EXPECT_EQ(s.up.items(), 0);
  EXPECT_FALSE(s.elsewhere.moving);
}

TEST_F(stream_grants_test, what_is_granted_while_it_waits_for_an_instance_goes_into_the_request) {
  auto& c = waiting_stream(request_text("users.list", 12, R"(,"stream":{"credit":5})"));
  c.stream->down.grant({2});
  grants.tell_credit(c);
  EXPECT_EQ(parsed(c).at("stream").at("credit"), 7);
  EXPECT_TRUE(sent_to(service).empty());
}

TEST_F(stream_grants_test, what_is_granted_later_is_told_to_the_callee) {
  auto& c = stream();
  grants.tell_credit(c);
  EXPECT_TRUE(sent_to(service).empty()) << "there is nothing to be told";
  c.stream->down.grant({2});
  grants.tell_credit(c);
  const auto told = only_sent_to(service);
  EXPECT_EQ(told.at("method"), "$/stream/credit");
  EXPECT_EQ(told.at("params"), (json{{"id", c.key_of(c.attempts[0]).number()}, {"credit", 2}}));
}

TEST_F(stream_grants_test, a_generator_of_this_process_is_told_directly) {
  auto& c = stream();
  end_here callee;
  c.stream->callee = &callee;
  c.stream->down.grant({2});
  grants.tell_credit(c);
  EXPECT_EQ(callee.grants, 1);
  EXPECT_TRUE(sent_to(service).empty());
  c.stream->callee = nullptr;
}

TEST_F(stream_grants_test, a_generator_may_send_from_the_beginning) {
  auto& c = waiting_stream(request_text("users.list", 12, R"(,"stream":{"credit":5})"));
  EXPECT_FALSE(c.stream->down.open());
  grants.begin_here(c);
  EXPECT_TRUE(c.stream->down.open());
}

TEST_F(stream_grants_test, what_a_caller_of_this_process_has_taken_it_grants_again) {
  auto& c = stream();
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(c.stream->down.take(1, 0));
  site.metrics().add(metric::stream_waiting_bytes, 5);
  grants.taken(c, 3);
  EXPECT_EQ(c.stream->down.items(), 3);
  EXPECT_EQ(counted(metric::stream_waiting_bytes), 0);
  EXPECT_EQ(only_sent_to(service).at("params").at("credit"), 3);
}

TEST_F(stream_grants_test, what_the_callee_takes_is_told_to_the_caller) {
  auto& c = stream();
  c.stream->up.grant({4});
  grants.accept_more(c);
  const auto told = only_sent_to(client);
  EXPECT_EQ(told.at("method"), "$/stream/accept");
  EXPECT_EQ(told.at("params").at("id"), 1);
  EXPECT_EQ(told.at("params").at("credit"), 4);
  EXPECT_GT(told.at("params").at("bytes"), 0);
  EXPECT_EQ(c.stream->input.credit, 4);
  EXPECT_TRUE(c.stream->input.taken);
  grants.accept_more(c);
  EXPECT_TRUE(sent_to(client).empty()) << "once";
}

TEST_F(stream_grants_test, bytes_alone_are_no_values_that_were_taken) {
  auto& c = stream();
  grants.tell_accept(c, {0, 100});
  EXPECT_FALSE(c.stream->input.taken) << "another instance could still begin";
  grants.tell_accept(c, {1, {}});
  EXPECT_TRUE(c.stream->input.taken);
  const auto told = sent_to(client);
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(told[0].at("params"), (json{{"id", 1}, {"credit", 0}, {"bytes", 100}}));
  EXPECT_EQ(told[1].at("params"), (json{{"id", 1}, {"credit", 1}}));
}

TEST_F(stream_grants_test, a_callee_of_this_process_accepts_what_it_has_room_for) {
  auto& c = stream();
  grants.accept(c, 2);
  EXPECT_EQ(only_sent_to(client).at("params").at("credit"), 2);
  ASSERT_TRUE(c.stream->up.take(1'000, 0));
  EXPECT_EQ(c.stream->up.waiting_bytes(), 1'000);
  grants.accept(c, 1);
  EXPECT_EQ(c.stream->up.waiting_bytes(), 0) << "it has taken what waited";
}

TEST_F(stream_grants_test, a_caller_of_this_process_is_told_directly_what_it_may_send) {
  auto& c = stream();
  end_here caller;
  c.stream->caller = &caller;
  grants.tell_accept(c, {3, 100});
  EXPECT_EQ(caller.items, 3);
  EXPECT_EQ(caller.bytes, 100);
  EXPECT_EQ(c.stream->input.credit, 3);
  EXPECT_TRUE(sent_to(client).empty());
  c.stream->caller = nullptr;
}

TEST_F(stream_grants_test, the_router_that_a_leg_came_from_is_told_what_it_may_send) {
  auto& leg = work.book.open(1, attempt_key{{3, 4}, 1});
  work.streams.open_leg(leg);
  grants.tell_accept(leg, {3, 100});
  const auto item = only_sent_away();
  EXPECT_EQ(item.stream, proto::stream_message::accept);
  EXPECT_EQ(json::parse(item.text), (json{{"credit", 3}, {"bytes", 100}}));
}

TEST_F(stream_grants_test, who_has_not_asked_for_a_stream_hears_of_no_grant) {
  auto& c = stream("");
  ASSERT_TRUE(c.stream->gathers);
  grants.tell_accept(c, {3, 100});
  EXPECT_TRUE(sent_to(client).empty());
}

TEST_F(stream_grants_test, values_that_have_left_this_node_make_room_for_more) {
  auto& c = stream();
  c.stream->up.grant({1'000});
  grants.accept_more(c);
  sent_to(client);
  const auto waits = static_cast<std::int64_t>(options.limits.stream_window_bytes / 2);
  ASSERT_TRUE(c.stream->up.take(waits, 0));
  grants.drained(c, false);
  EXPECT_EQ(c.stream->up.waiting_bytes(), 0);
  EXPECT_EQ(only_sent_to(client).at("params").at("bytes"), waits);
  EXPECT_TRUE(sent_to(service).empty());
}

}  // namespace
}  // namespace weft
