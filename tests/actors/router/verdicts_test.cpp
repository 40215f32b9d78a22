// What the end of an attempt says of its instance: whether it is left out, and how long its method takes.
#include "actors/router/verdicts.hpp"

#include <sstream>

#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include "tests/actors/router/calls_case.hpp"

namespace weft {
namespace {

using namespace std::chrono_literals;
using health = endpoint_state::health;

constexpr auto internal_error = static_cast<std::int32_t>(error_code::internal_error);

class verdicts_test : public calls_case {
 protected:
  verdicts_test() {
    options.balance.ejection.consecutive_failures = 3;
    options.balance.ejection.minimum_calls = 1'000;
    shared.log =
        std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::ostream_sink_st>(lines));
    c.asked.method = "users.get";
  }

  endpoint& first() { return serving.endpoints[0]; }
  endpoint& second() { return serving.endpoints[1]; }
  health state_of(const endpoint& e) const { return e.state->state(site.now()); }
  void note(const endpoint& e, std::int32_t code, coro::clock::duration took = 1ms) {
    e.state->begin();
    judge.note(c, *e.state, code, took);
  }
  void fail(const endpoint& e) {
    for (int i = 0; i < 3; ++i) note(e, internal_error);
  }
  bool knows_latency() { return latencies.delay("users.get", "users.get", site.now()).has_value(); }

  std::ostringstream lines;
  connection_entry& service = connect();
  connection_entry& another = connect();
  route& serving = serve("users.get", {instance_of(service), instance_of(another)});
  hedging latencies{options.balance.hedge};
  std::minstd_rand random{7};
  verdicts judge{site, out.connections, latencies, random};
  call c{*this};
};

TEST_F(verdicts_test, an_attempt_that_has_ended_is_counted_by_how_it_went) {
  note(first(), 0);
  note(first(), 1234);
  EXPECT_EQ(first().state->failures(), 0) << "an error of the application says nothing";
  note(first(), internal_error);
  EXPECT_EQ(first().state->calls(), 3);
  EXPECT_EQ(first().state->failures(), 1);
  EXPECT_EQ(first().state->in_flight(), 0);
}

TEST_F(verdicts_test, an_instance_that_fails_again_and_again_is_left_out) {
  note(first(), internal_error);
  note(first(), internal_error);
  EXPECT_EQ(state_of(first()), health::healthy);
  EXPECT_EQ(counted(metric::ejections), 0);
  note(first(), internal_error);
  EXPECT_EQ(state_of(first()), health::ejected);
  EXPECT_EQ(state_of(second()), health::healthy);
  EXPECT_EQ(counted(metric::ejections), 1);
}

TEST_F(verdicts_test, it_stays_when_the_other_one_is_about_to_go) {
  second().leaving = true;
  fail(first());
  EXPECT_EQ(state_of(first()), health::healthy);
}

TEST_F(verdicts_test, it_stays_when_the_other_one_is_left_out_already) {
  fail(second());
  fail(first());
  EXPECT_EQ(state_of(second()), health::ejected);
  EXPECT_EQ(state_of(first()), health::healthy);
  EXPECT_EQ(counted(metric::ejections), 1);
}

TEST_F(verdicts_test, it_stays_when_the_other_one_takes_no_calls) {
  another.state.going_away = true;
  fail(first());
  EXPECT_EQ(state_of(first()), health::healthy);
}

TEST_F(verdicts_test, it_stays_when_there_is_no_other_one) {
  serving.endpoints.pop_back();
  fail(first());
  EXPECT_EQ(state_of(first()), health::healthy);
}

TEST_F(verdicts_test, it_stays_when_nobody_serves_the_method_any_more) {
  const auto state = first().state;
  table->exact.clear();
  for (int i = 0; i < 3; ++i) {
    state->begin();
    judge.note(c, *state, internal_error, 1ms);
  }
  EXPECT_EQ(state->state(site.now()), health::healthy);
  EXPECT_EQ(counted(metric::ejections), 0);
}

TEST_F(verdicts_test, one_of_another_reactor_counts_as_one_that_takes_calls) {
  second().connection = {1, {7, 7}};
  fail(first());
  EXPECT_EQ(state_of(first()), health::ejected);
}

TEST_F(verdicts_test, one_call_decides_about_an_instance_on_probation) {
  first().state->eject(options.balance.ejection, site.now() - 1h, 1);
  ASSERT_EQ(state_of(first()), health::probation);
  note(first(), internal_error);
  EXPECT_EQ(state_of(first()), health::ejected);
  EXPECT_EQ(counted(metric::ejections), 1);
  second().state->eject(options.balance.ejection, site.now() - 1h, 1);
  note(second(), 0);
  EXPECT_EQ(state_of(second()), health::healthy);
  EXPECT_EQ(counted(metric::ejections), 1);
}

TEST_F(verdicts_test, the_log_tells_who_is_left_out_and_how_many_lines_are_not_there) {
  serving.endpoints.push_back(instance_of(another));
  fail(first());
  EXPECT_NE(lines.str().find("'users' on node here"), std::string::npos) << lines.str();
  EXPECT_NE(lines.str().find("'users.get' (0 such"), std::string::npos) << lines.str();
  lines.str("");
  fail(second());
  EXPECT_EQ(counted(metric::ejections), 2);
  EXPECT_EQ(lines.str(), "") << "one line a second";
}

TEST_F(verdicts_test, the_log_names_the_node_of_an_instance_without_a_service) {
  first().service.clear();
  first().node = "there";
  fail(first());
  EXPECT_NE(lines.str().find("'there' on node there"), std::string::npos) << lines.str();
}

class hedged_verdicts_test : public verdicts_test {
 protected:
  hedged_verdicts_test() { options.balance.hedge.rules = {{"users.*", "90"}}; }

  void note_many(std::int32_t code) {
    for (int i = 0; i < 1'000; ++i) note(first(), code, 20ms);
  }
};

TEST_F(hedged_verdicts_test, the_time_that_a_hedged_method_takes_is_learned) {
  EXPECT_FALSE(knows_latency());
  note_many(0);
  const auto usual = latencies.delay("users.get", "users.get", site.now());
  ASSERT_TRUE(usual);
  EXPECT_GE(*usual, 10ms);
  EXPECT_LE(*usual, 40ms);
}

TEST_F(hedged_verdicts_test, failures_say_nothing_of_it) {
  note_many(internal_error);
  EXPECT_FALSE(knows_latency());
}

TEST_F(hedged_verdicts_test, calls_that_another_node_has_sent_on_say_nothing_of_it) {
  c.asked.local_only = true;
  note_many(0);
  EXPECT_FALSE(knows_latency());
}

TEST_F(hedged_verdicts_test, methods_without_a_rule_are_not_measured) {
  options.balance.hedge.rules = {{"orders.*", "90"}};
  note_many(0);
  options.balance.hedge.rules = {{"users.*", "90"}};
  EXPECT_FALSE(knows_latency());
}

TEST_F(hedged_verdicts_test, a_method_that_nobody_serves_any_more_does_no_harm) {
  const auto state = first().state;
  table->exact.clear();
  state->begin();
  judge.note(c, *state, 0, 1ms);
  EXPECT_EQ(state->calls(), 1);
}

}  // namespace
}  // namespace weft
