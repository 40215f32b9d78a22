// What a call comes to, told to whoever has made it.
#include "actors/router/call_answers.hpp"

#include "tests/actors/router/calls_case.hpp"

namespace weft {
namespace {

class call_answers_test : public calls_case {
 protected:
  static rpc_error unavailable(std::optional<executed> ran = executed::no) {
    rpc_error error{number(error_code::unavailable), "gone", ""};
    error.ran = ran;
    return error;
  }
  /// How many calls of the method ended with this code.
  std::uint64_t ended_with(std::int32_t code) {
    out.records.observe_turn();
    router_report report;
    out.records.report(report);
    std::uint64_t count = 0;
    for (const auto& series : report.calls) {
      if (series.method != "users.get" || series.code != code) continue;
      for (const auto calls : series.buckets) count += calls;
    }
    return count;
  }

  call_answers& told = work.told;
  connection_entry& client = connect();
  call& c = book(client);
};

TEST_F(call_answers_test, a_result_goes_to_the_caller_with_its_id) {
  told.tell(c, {.raw_result = R"({"a":1})"});
  EXPECT_EQ(only_sent_to(client), (json{{"jsonrpc", "2.0"}, {"id", 1}, {"result", {{"a", 1}}}}));
}

TEST_F(call_answers_test, an_error_goes_to_the_caller_with_its_id) {
  const auto error = unavailable();
  told.tell(c, outcome::of(error));
  const auto answer = only_sent_to(client);
  EXPECT_EQ(answer.at("id"), 1);
  EXPECT_EQ(code_of(answer), number(error_code::unavailable));
  EXPECT_EQ(answer.at("error").at("message"), "gone");
}

TEST_F(call_answers_test, a_response_is_passed_on_as_it_came_but_for_its_id) {
  const message m(R"({"jsonrpc":"2.0","extra":[1],"id":4711,"result":1.50})");
  told.tell(c, {.response = &m.envelope});
  ASSERT_TRUE(client.out);
  EXPECT_EQ(client.out->bulk.substr(proto::frame_header_bytes),
            R"({"jsonrpc":"2.0","extra":[1],"id":1,"result":1.50})");
}

TEST_F(call_answers_test, a_response_of_the_old_form_is_written_anew) {
  const message m(R"({"jsonrpc":"2.0","id":4711,"result":7,"error":null})");
  ASSERT_TRUE(m.envelope.old_form);
  told.tell(c, {.response = &m.envelope});
  EXPECT_EQ(only_sent_to(client), (json{{"jsonrpc", "2.0"}, {"id", 1}, {"result", 7}}));
}

TEST_F(call_answers_test, who_has_notified_hears_nothing) {
  c.caller.notification = true;
  told.tell(c, {.raw_result = "7"});
  const auto error = unavailable();
  told.tell(c, outcome::of(error));
  EXPECT_TRUE(sent_to(client).empty());
}

TEST_F(call_answers_test, who_does_not_wait_hears_nothing_but_it_is_counted) {
  told.tell(c, outcome::unawaited(error_code::request_cancelled));
  EXPECT_TRUE(sent_to(client).empty());
  EXPECT_EQ(ended_with(number(error_code::request_cancelled)), 1U);
}

TEST_F(call_answers_test, its_end_is_counted_with_what_its_caller_was_told) {
  told.tell(c, {.raw_result = "7"});
  EXPECT_EQ(ended_with(0), 1U);
  c.caller.cancelled = true;
  const auto error = unavailable();
  told.tell(c, outcome::of(error));
  EXPECT_EQ(ended_with(number(error_code::request_cancelled)), 1U);
  EXPECT_EQ(ended_with(number(error_code::unavailable)), 0U);
}

TEST_F(call_answers_test, who_has_taken_it_back_hears_that_and_whether_it_can_have_run) {
  c.caller.cancelled = true;
  const auto told_of = [&] {
    const auto error = unavailable();
    told.tell(c, outcome::of(error));
    const auto answer = only_sent_to(client);
    EXPECT_EQ(code_of(answer), number(error_code::request_cancelled));
    return answer.at("error").at("data").at("executed").get<std::string>();
  };
  EXPECT_EQ(told_of(), "no");
  c.attempts.may_have_run = true;
  EXPECT_EQ(told_of(), "unknown");
  c.attempts.may_have_run = false;
  c.handling.running = call::handler::coroutine;
  EXPECT_EQ(told_of(), "unknown");
  c.handling.running = call::handler::none;
}

TEST_F(call_answers_test, who_has_taken_it_back_too_late_gets_the_result) {
  c.caller.cancelled = true;
  told.tell(c, {.raw_result = "7"});
  EXPECT_EQ(only_sent_to(client).at("result"), 7);
}

TEST_F(call_answers_test, what_a_callee_says_of_a_cancellation_stays_if_it_says_whether_it_ran) {
  c.caller.cancelled = true;
  auto error = unavailable(executed::unknown);
  error.code = number(error_code::request_cancelled);
  told.tell(c, outcome::of(error));
  EXPECT_EQ(only_sent_to(client).at("error").at("message"), "gone");
  error.ran.reset();
  told.tell(c, outcome::of(error));
  EXPECT_EQ(only_sent_to(client).at("error").at("message"), "cancelled by the caller");
}

TEST_F(call_answers_test, errors_of_calls_that_were_not_taken_back_stay) {
  auto error = unavailable();
  error.code = number(error_code::request_cancelled);
  error.ran.reset();
  told.tell(c, outcome::of(error));
  EXPECT_EQ(only_sent_to(client).at("error").at("message"), "gone");
}

TEST_F(call_answers_test, the_answers_of_a_batch_go_out_once_all_are_there) {
  auto& second = book(client, 2);
  std::vector<inbound_item> items(2);
  for (auto& item : items) item.message.kind = proto::message_kind::request;
  auto* group = out.answers.open_group(items, client.key());
  ASSERT_NE(group, nullptr);
  c.caller.group = second.caller.group = group;
  second.caller.group_part = 1;
  told.tell(second, {.raw_result = "2"});
  EXPECT_EQ(second.caller.group, nullptr) << "its end does not drop what it has given";
  EXPECT_TRUE(sent_to(client).empty());
  told.tell(c, {.raw_result = "1"});
  const auto answers = only_sent_to(client);
  ASSERT_EQ(answers.size(), 2U);
  EXPECT_EQ(answers[0].at("id"), 1);
  EXPECT_EQ(answers[1].at("result"), 2);
  EXPECT_EQ(counted(metric::batches_open), 0);
}

TEST_F(call_answers_test, a_coroutine_gets_the_result_or_the_error) {
  outbound_slot result;
  auto& first = work.book.open(result, site.now());
  told.tell(first, {.raw_result = "[1]"});
  EXPECT_TRUE(result.is_set());
  outbound_slot answered;
  auto& second = work.book.open(answered, site.now());
  const message m(R"({"jsonrpc":"2.0","id":4711,"result":[2]})");
  told.tell(second, {.response = &m.envelope});
  outbound_slot failed;
  auto& third = work.book.open(failed, site.now());
  const auto error = unavailable();
  told.tell(third, outcome::of(error));
  coro::cancel_scope never(site.home, site.now() + std::chrono::hours(1));
  EXPECT_EQ(result.wait(never).await_resume().value(), raw_result("[1]"));
  EXPECT_EQ(answered.wait(never).await_resume().value(), raw_result("[2]"));
  EXPECT_EQ(failed.wait(never).await_resume().value(), raw_result(std::unexpected(error)));
}

/// Notes when it hears of the end.
struct caller_of_stream final : stream_end {
  explicit caller_of_stream(const outbound_slot& slot) : answer(slot) {}
  void on_grant(std::int64_t, std::int64_t) override {}
  void on_value(std::string_view) override {}
  void on_raise(rpc_error) override {}
  void on_half_close() override {}
  void on_answer() override { answered = answer.is_set(); }
  const outbound_slot& answer;
  bool answered = false;
};

TEST_F(call_answers_test, a_coroutine_that_reads_a_stream_hears_of_its_end_once_the_answer_is_there) {
  outbound_slot slot;
  caller_of_stream end(slot);
  auto& streaming = work.book.open(slot, site.now());
  work.streams.open(streaming, end, 1, {}, false);
  told.tell(streaming, {.raw_result = "null"});
  EXPECT_TRUE(end.answered);
}

TEST_F(call_answers_test, the_router_that_a_leg_came_from_gets_the_response_or_the_failure) {
  auto& leg = work.book.open(1, attempt_key{{3, 4}, 1});
  const message m(R"({"jsonrpc":"2.0","id":4711,"result":7})");
  told.tell(leg, {.response = &m.envelope});
  const auto answer = only_sent_away();
  EXPECT_EQ(answer.what, remote_item::type::answer);
  EXPECT_EQ(answer.origin_reactor, 1U);
  EXPECT_EQ(answer.origin, (attempt_key{{3, 4}, 1}));
  EXPECT_EQ(answer.text, m.text);
  EXPECT_FALSE(answer.blameless);
  const auto error = unavailable();
  auto broken = outcome::of(error);
  broken.blameless = true;
  told.tell(leg, broken);
  const auto failure = only_sent_away();
  EXPECT_EQ(failure.text, "");
  EXPECT_EQ(failure.failure, error);
  EXPECT_TRUE(failure.blameless);
  told.tell(leg, outcome::of(error));
  EXPECT_FALSE(only_sent_away().blameless);
}

TEST_F(call_answers_test, streams_are_counted_by_how_they_end) {
  c.stream = std::make_unique<stream_state>(1);
  told.tell(c, {.raw_result = "null"});
  EXPECT_EQ(counted(metric::streams_completed), 1);
  const auto error = unavailable();
  told.tell(c, outcome::of(error));
  EXPECT_EQ(counted(metric::streams_failed), 1);
  told.tell(c, outcome::unawaited(error_code::request_cancelled));
  EXPECT_EQ(counted(metric::streams_cancelled), 1);
  c.caller.cancelled = true;
  told.tell(c, outcome::of(error));
  EXPECT_EQ(counted(metric::streams_cancelled), 2);
  c.stream.reset();
}

TEST_F(call_answers_test, the_leg_of_a_stream_is_counted_where_it_came_from) {
  auto& leg = work.book.open(1, attempt_key{{3, 4}, 0});
  work.streams.open_leg(leg);
  const auto error = unavailable();
  told.tell(leg, outcome::of(error));
  EXPECT_EQ(counted(metric::streams_failed), 0);
}

}  // namespace
}  // namespace weft
