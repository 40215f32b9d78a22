// The book of calls: what one counts against its caller, and what is left of it when its caller hangs up.
#include "actors/router/calls.hpp"

#include "tests/actors/router/calls_case.hpp"

namespace weft {
namespace {

class hung_up_calls_test : public calls_case {
 protected:
  hung_up_calls_test() { serve("users.get", {instance_of(service)}); }

  call& under_way(connection_entry& from, int id = 1) {
    auto* c = forward(from, request_text("users.get", id));
    EXPECT_NE(c, nullptr);
    sent_to(service);
    return *c;
  }
  void limit_method() { table->exact["users.get"].admission = limit; }
  /// The caller belongs to an identity that may have `in_flight` calls under way; 0: has no such quota.
  void limit_identity(std::size_t in_flight) {
    identity_of_caller.name = "orders";
    client.access.who = &identity_of_caller;
    client.access.of_identity = &charged;
    charged.in_flight = count;
    if (in_flight > 0) charged.quota = std::make_shared<quota>(quota_limits{.in_flight = in_flight});
  }
  void hang_up() {
    work.book.cancel_all_of(client);
    EXPECT_EQ(client.load.calls_made, nullptr);
    EXPECT_EQ(client.load.made_count, 0U);
    EXPECT_EQ(client.load.left_behind_count, 0U);
    EXPECT_TRUE(sent_to(client).empty()) << "nobody is there";
    out.connections.remove(client);
  }
  void expect_cancelled_at(connection_entry& callee, std::uint64_t id) {
    const auto told = only_sent_to(callee);
    EXPECT_EQ(told.value("method", ""), "$/cancelRequest");
    EXPECT_EQ(told.value("/params/id"_json_pointer, std::uint64_t{}), id);
  }

  const std::shared_ptr<admission_state> limit = std::make_shared<admission_state>(1);
  const std::shared_ptr<node_count> count = std::make_shared<node_count>(0);
  usage charged;
  identity identity_of_caller;
  connection_entry& client = connect();
  connection_entry& service = connect();
};

TEST_F(hung_up_calls_test, one_without_limits_ends_at_once) {
  auto& c = under_way(client);
  const auto id = c.key_of(c.attempts[0]).number();
  hang_up();
  expect_cancelled_at(service, id);
  EXPECT_EQ(service.load.received_count, 0U);
  EXPECT_EQ(counted(metric::cancelled), 1);
  expect_nothing_under_way();
}

TEST_F(hung_up_calls_test, one_whose_identity_has_no_quota_of_them_ends_at_once) {
  limit_identity(0);
  charged.quota = std::make_shared<quota>(quota_limits{.calls_per_second = 1'000, .burst = 10});
  under_way(client);
  EXPECT_EQ(*count, 1);
  hang_up();
  EXPECT_EQ(*count, 0);
  EXPECT_EQ(charged.calls, 0U);
  EXPECT_EQ(charged.held_bytes, 0U);
  expect_nothing_under_way();
}

TEST_F(hung_up_calls_test, one_keeps_its_permit_until_the_callee_answers) {
  limit_method();
  auto& c = under_way(client);
  const auto answer = result_text(c.attempts[0]);
  const auto id = c.key_of(c.attempts[0]).number();
  hang_up();
  expect_cancelled_at(service, id);
  EXPECT_EQ(limit->in_flight(), 1);
  EXPECT_EQ(service.load.received_count, 1U);
  EXPECT_EQ(counted(metric::in_flight), 1);
  EXPECT_EQ(counted(metric::left_behind), 1);
  EXPECT_EQ(counted(metric::held_request_bytes), 0) << "it is never sent again";
  EXPECT_EQ(work.book.awaited(), 0U);
  respond(service, answer);
  EXPECT_EQ(limit->in_flight(), 0);
  EXPECT_TRUE(work.permits.waiting().any_freed());
  EXPECT_EQ(service.load.received_count, 0U);
  EXPECT_EQ(counted(metric::late_results), 1);
  expect_nothing_under_way();
}

TEST_F(hung_up_calls_test, the_next_one_waits_for_it) {
  limit_method();
  auto& c = under_way(client);
  const auto answer = result_text(c.attempts[0]);
  hang_up();
  sent_to(service);
  auto& again = connect();
  forward(again, request_text("users.get"));
  EXPECT_TRUE(sent_to(service).empty());
  EXPECT_EQ(counted(metric::queue_length), 1);
  respond(service, answer);
  work.admitter.offer();
  EXPECT_EQ(only_sent_to(service).value("method", ""), "users.get");
}

TEST_F(hung_up_calls_test, one_counts_against_its_identity_until_the_callee_answers) {
  limit_identity(1);
  auto& c = under_way(client);
  const auto answer = result_text(c.attempts[0]);
  hang_up();
  EXPECT_EQ(*count, 1);
  EXPECT_EQ(charged.calls, 1U);
  sent_to(service);

  auto& again = connect();
  again.access.who = &identity_of_caller;
  again.access.of_identity = &charged;
  EXPECT_EQ(forward(again, request_text("users.get")), nullptr);
  EXPECT_EQ(code_of(only_sent_to(again)), number(error_code::resource_exhausted));

  respond(service, answer);
  EXPECT_EQ(*count, 0);
  EXPECT_EQ(charged.calls, 0U);
  EXPECT_EQ(charged.held_bytes, 0U);
  expect_nothing_under_way();
  EXPECT_NE(forward(again, request_text("users.get")), nullptr);
}

TEST_F(hung_up_calls_test, one_that_its_callee_never_answers_ends_with_its_deadline) {
  limit_method();
  limit_identity(5);
  auto& c = under_way(client);
  hang_up();
  work.upstream.on_deadline(c);
  EXPECT_EQ(limit->in_flight(), 0);
  EXPECT_EQ(*count, 0);
  EXPECT_EQ(service.load.received_count, 0U);
  expect_nothing_under_way();
}

TEST_F(hung_up_calls_test, one_ends_with_the_connection_of_its_callee) {
  limit_method();
  limit_identity(5);
  under_way(client);
  hang_up();
  work.upstream.on_connection_lost(service, close_reason::reset);
  EXPECT_EQ(limit->in_flight(), 0);
  EXPECT_EQ(*count, 0);
  expect_nothing_under_way();
}

TEST_F(hung_up_calls_test, one_at_another_reactor_is_told_that_its_answer_still_counts) {
  serve("users.get", {instance_at({1, {5, 9}})});
  limit_method();
  auto& c = under_way(client);
  const auto key = c.key_of(c.attempts[0]);
  sent_away();
  hang_up();
  EXPECT_EQ(only_sent_away().what, remote_item::type::cancel) << "or nobody would tell when it is over";
  EXPECT_EQ(limit->in_flight(), 1);
  remote_item answer;
  answer.what = remote_item::type::answer;
  answer.origin = key;
  answer.failure = site.unavailable("gone", executed::unknown);
  in.remote.on_item(answer);
  EXPECT_EQ(limit->in_flight(), 0);
  expect_nothing_under_way();
}

TEST_F(hung_up_calls_test, one_at_another_reactor_without_limits_is_given_up_there) {
  serve("users.get", {instance_at({1, {5, 9}})});
  under_way(client);
  sent_away();
  hang_up();
  EXPECT_EQ(only_sent_away().what, remote_item::type::abandon);
  expect_nothing_under_way();
}

TEST_F(hung_up_calls_test, one_that_waits_for_a_permit_ends_at_once) {
  limit_method();
  limit_identity(5);
  auto& other_caller = connect();
  auto& first = under_way(other_caller);
  forward(client, request_text("users.get"));
  ASSERT_EQ(counted(metric::queue_length), 1);
  EXPECT_EQ(charged.waiting, 1U);
  hang_up();
  EXPECT_EQ(counted(metric::queue_length), 0);
  EXPECT_EQ(charged.waiting, 0U);
  EXPECT_EQ(*count, 0);
  EXPECT_EQ(limit->in_flight(), 1) << "of the other caller";
  respond(service, result_text(first.attempts[0]));
  expect_nothing_under_way();
}

TEST_F(hung_up_calls_test, one_that_was_left_behind_before_is_no_more_of_its_caller) {
  limit_method();
  auto& c = under_way(client);
  const auto answer = result_text(c.attempts[0]);
  c.caller.cancelled = true;
  work.book.on_late_cancellation(c);
  EXPECT_EQ(code_of(only_sent_to(client)), number(error_code::request_cancelled));
  EXPECT_EQ(client.load.left_behind_count, 1U);
  hang_up();
  EXPECT_EQ(limit->in_flight(), 1);
  EXPECT_EQ(counted(metric::left_behind), 1);
  EXPECT_EQ(counted(metric::cancelled), 0) << "it was cancelled already";
  respond(service, answer);
  EXPECT_EQ(limit->in_flight(), 0);
  expect_nothing_under_way();
}

TEST_F(hung_up_calls_test, one_that_was_left_behind_without_limits_ends_at_once) {
  auto& c = under_way(client);
  c.caller.cancelled = true;
  work.book.on_late_cancellation(c);
  sent_to(client);
  hang_up();
  EXPECT_EQ(service.load.received_count, 0U);
  expect_nothing_under_way();
}

TEST_F(hung_up_calls_test, each_of_several_ends_in_its_own_way) {
  limit_identity(0);
  auto& limited = serve("orders.get", {instance_of(service)});
  limited.admission = limit;
  under_way(client, 1);
  auto* kept = forward(client, request_text("orders.get", 2));
  under_way(client, 3);
  ASSERT_NE(kept, nullptr);
  const auto answer = result_text(kept->attempts[0]);
  EXPECT_EQ(*count, 3);
  hang_up();
  EXPECT_EQ(*count, 1);
  EXPECT_EQ(counted(metric::in_flight), 1);
  respond(service, answer);
  EXPECT_EQ(*count, 0);
  expect_nothing_under_way();
}

TEST_F(hung_up_calls_test, the_next_connection_in_its_place_has_nothing_of_it) {
  limit_method();
  auto& c = under_way(client);
  const auto answer = result_text(c.attempts[0]);
  hang_up();
  auto& next = connect();
  ASSERT_EQ(&next, &client) << "places are used again";
  respond(service, answer);
  EXPECT_TRUE(sent_to(next).empty());
  EXPECT_EQ(next.load.made_count, 0U);
  EXPECT_EQ(next.access.own_usage.calls, 0U);
  expect_nothing_under_way();
}

}  // namespace
}  // namespace weft
