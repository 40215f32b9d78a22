// Streams that end because one of their ends has broken a rule.
#include "actors/router/stream_failures.hpp"

#include "tests/actors/router/calls_case.hpp"

namespace weft {
namespace {

class stream_failures_test : public calls_case {
 protected:
  stream_failures_test() {
    serving.streams = true;
    instance().streams = true;
  }

  endpoint& instance() { return serving.endpoints.front(); }
  call& stream() {
    auto* c = forward(client, request_text("users.list", 1, R"(,"stream":{"credit":5})"));
    EXPECT_NE(c, nullptr);
    EXPECT_TRUE(c->stream);
    sent_to(service);
    return *c;
  }
  /// Of the error that the caller was told; the callee was told that it is over.
  json ended() {
    EXPECT_EQ(only_sent_to(service).value("method", ""), "$/cancelRequest");
    EXPECT_EQ(counted(metric::streams_failed), 1);
    EXPECT_EQ(instance().state->failures(), 0) << "the instance is not blamed";
    EXPECT_EQ(instance().state->in_flight(), 0);
    expect_nothing_under_way();
    return only_sent_to(client).value("error", json::object());
  }

  connection_entry& client = connect();
  connection_entry& service = connect();
  route& serving = serve("users.list", {instance_of(service)});
  stream_failures failures{site, work.book};
};

TEST_F(stream_failures_test, both_ends_hear_of_it) {
  failures.end(stream(), site.exhausted("too much", executed::unknown));
  const auto error = ended();
  EXPECT_EQ(error.value("code", 0), number(error_code::resource_exhausted));
  EXPECT_EQ(error.value("message", ""), "too much");
}

TEST_F(stream_failures_test, who_has_taken_its_stream_back_hears_what_was_wrong_all_the_same) {
  auto& c = stream();
  c.caller.cancelled = true;
  failures.end(c, site.exhausted("too much", executed::unknown));
  EXPECT_EQ(ended().value("code", 0), number(error_code::resource_exhausted));
}

TEST_F(stream_failures_test, who_sends_more_than_it_was_granted_is_named) {
  failures.over_credit(stream(), "the callee");
  EXPECT_EQ(counted(metric::limit_stream_credit), 1);
  const auto error = ended();
  EXPECT_EQ(error.value("code", 0), number(error_code::resource_exhausted));
  EXPECT_EQ(error.value("message", ""), "the callee has sent more on this stream than it was granted");
  EXPECT_EQ(error.value("/data/executed"_json_pointer, ""), "unknown");
}

TEST_F(stream_failures_test, what_was_invalid_is_said) {
  failures.invalid(stream(), "an item has no value");
  EXPECT_EQ(counted(metric::limit_stream_credit), 0);
  const auto error = ended();
  EXPECT_EQ(error.value("code", 0), number(error_code::internal_error));
  EXPECT_EQ(error.value("message", ""), "the stream is broken: an item has no value");
  EXPECT_EQ(error.value("/data/executed"_json_pointer, ""), "unknown");
}

TEST_F(stream_failures_test, a_member_that_is_there_twice_is_named) {
  proto::stream_members m;
  m.repeated = "seq";
  failures.repeated(stream(), "$/stream/item", m);
  EXPECT_EQ(ended().value("message", ""), "the stream is broken: $/stream/item has the member 'seq' twice");
}

TEST_F(stream_failures_test, the_leg_of_a_stream_tells_its_router_that_the_instance_has_no_part_in_it) {
  auto& leg = work.book.open(1, attempt_key{{3, 4}, 0});
  work.streams.open_leg(leg);
  failures.over_credit(leg, "the caller");
  const auto item = only_sent_away();
  EXPECT_EQ(item.what, remote_item::type::answer);
  EXPECT_EQ(item.origin, (attempt_key{{3, 4}, 0}));
  EXPECT_TRUE(item.blameless);
  EXPECT_EQ(item.failure.code, number(error_code::resource_exhausted));
  expect_nothing_under_way();
}

TEST_F(stream_failures_test, messages_that_name_no_stream_are_counted) {
  failures.unmatched();
  EXPECT_EQ(counted(metric::stream_messages_unmatched), 1);
}

}  // namespace
}  // namespace weft
