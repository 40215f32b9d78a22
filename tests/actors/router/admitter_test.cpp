// Permits that came back, and who gets them.
#include "actors/router/admitter.hpp"

#include "tests/actors/router/calls_case.hpp"

namespace weft {
namespace {

using namespace std::chrono_literals;

class admitter_test : public calls_case {
 protected:
  admitter_test() { serving.admission = limit; }

  call& one(int id) {
    auto* c = forward(client, request_text("users.get", id));
    EXPECT_NE(c, nullptr);
    return *c;
  }
  /// Of the request that was sent to the service, by the caller's id.
  bool is_at_service(const call& c) {
    const auto told = only_sent_to(service);
    return told.value("id", std::uint64_t{}) == c.key_of(c.attempts[0]).number();
  }
  bool waits(const call& c) const { return c.paused == call::pause::queue; }

  const std::shared_ptr<admission_state> limit = std::make_shared<admission_state>(1);
  connection_entry& client = connect();
  connection_entry& service = connect();
  route& serving = serve("users.get", {instance_of(service)});
};

TEST_F(admitter_test, who_has_waited_longest_goes_first) {
  auto& first = one(1);
  auto& second = one(2);
  auto& third = one(3);
  ASSERT_TRUE(waits(second) && waits(third));
  EXPECT_TRUE(is_at_service(first));
  respond(service, result_text(first.attempts[0]));
  work.admitter.offer();
  EXPECT_TRUE(is_at_service(second));
  EXPECT_FALSE(waits(second));
  EXPECT_TRUE(waits(third)) << "there is one permit";
  EXPECT_EQ(limit->in_flight(), 1);
  EXPECT_FALSE(work.permits.waiting().any_freed());
  respond(service, result_text(second.attempts[0]));
  work.admitter.offer();
  EXPECT_TRUE(is_at_service(third));
  EXPECT_EQ(counted(metric::queue_length), 0);
  respond(service, result_text(third.attempts[0]));
  EXPECT_EQ(limit->in_flight(), 0);
  expect_nothing_under_way();
}

TEST_F(admitter_test, nobody_goes_while_there_is_no_permit) {
  one(1);
  auto& second = one(2);
  sent_to(service);
  work.permits.waiting().freed(limit);
  work.admitter.offer();
  EXPECT_TRUE(waits(second));
  EXPECT_TRUE(sent_to(service).empty());
}

TEST_F(admitter_test, who_has_waited_too_long_is_refused_and_the_next_one_goes) {
  auto& first = one(1);
  auto& second = one(2);
  auto& third = one(3);
  sent_to(service);
  second.queued_at = site.now() - options.limits.queue_interval - 1ms;
  respond(service, result_text(first.attempts[0]));
  sent_to(client);
  work.admitter.offer();
  const auto refused = only_sent_to(client);
  EXPECT_EQ(refused.at("id"), 2);
  EXPECT_EQ(code_of(refused), number(error_code::resource_exhausted));
  EXPECT_EQ(counted(metric::limit_queue_wait), 1);
  EXPECT_TRUE(is_at_service(third));
}

TEST_F(admitter_test, a_call_whose_instances_have_no_room_goes_on_waiting) {
  auto& first = one(1);
  auto& second = one(2);
  sent_to(service);
  serving.endpoints[0].max_in_flight = 1;
  serving.endpoints[0].state->begin();
  respond(service, result_text(first.attempts[0]));
  work.admitter.offer();
  EXPECT_TRUE(waits(second));
  EXPECT_EQ(limit->in_flight(), 0);
  serving.endpoints[0].state->end_unknown();
  work.permits.waiting().offer_all();
  work.admitter.offer();
  EXPECT_TRUE(is_at_service(second));
}

TEST_F(admitter_test, a_call_whose_instances_have_gone_is_refused) {
  auto& first = one(1);
  one(2);
  sent_to(service);
  respond(service, result_text(first.attempts[0]));
  sent_to(client);
  service.state.going_away = true;
  work.admitter.offer();
  EXPECT_EQ(code_of(only_sent_to(client)), number(error_code::unavailable));
  EXPECT_EQ(limit->in_flight(), 0);
  expect_nothing_under_way();
}

/// Two reactors; nothing of theirs but the limit is shared.
class admitter_of_two_test : public admitter_test {
 protected:
  bool other_was_offered() {
    bool offered = false;
    for (const auto& element : take_received()) {
      auto* m = actor_message::from(*element);
      if (m == nullptr || m->what() != actor_message::type::room) continue;
      EXPECT_EQ(static_cast<permit_message*>(m)->admission, limit);
      offered = true;
    }
    return offered;
  }
  call& wait_here(int id = 1) {
    auto& c = book(client, id);
    c.asked.deadline = site.now() + 1s;
    EXPECT_FALSE(limited.wait(c, limit));
    return c;
  }

  permits limited{site, out.connections};
  admitter admits{site, limited, work.book, work.upstream, work.handlers};
};

TEST_F(admitter_of_two_test, a_permit_is_offered_to_the_other_reactor_that_has_calls_waiting) {
  limit->add_waiting(1);
  limited.waiting().freed(limit);
  admits.offer();
  EXPECT_TRUE(other_was_offered());
  EXPECT_FALSE(limited.waiting().any_freed());
  limit->remove_waiting(1, true);
}

TEST_F(admitter_of_two_test, a_permit_that_nobody_waits_for_is_offered_to_nobody) {
  limited.waiting().freed(limit);
  admits.offer();
  EXPECT_FALSE(other_was_offered());
  EXPECT_FALSE(limited.waiting().any_freed());
}

TEST_F(admitter_of_two_test, a_permit_goes_to_the_other_reactor_first) {
  auto& c = wait_here();
  limit->add_waiting(1);
  admits.offer();
  EXPECT_TRUE(other_was_offered()) << "the reactor that frees most would serve only its own callers";
  EXPECT_TRUE(waits(c));
  limit->remove_waiting(1, true);
  limited.stop_waiting(c);
}

TEST_F(admitter_of_two_test, what_was_offered_and_not_used_is_passed_on) {
  limit->add_waiting(1);
  admits.on_permit(permit_message(limit));
  EXPECT_TRUE(limited.waiting().any_freed());
  admits.offer();
  EXPECT_TRUE(other_was_offered());
  limit->remove_waiting(1, true);
}

TEST_F(admitter_of_two_test, an_offer_that_comes_too_late_is_not_passed_on) {
  limit->enter();
  admits.on_permit(permit_message(limit));
  EXPECT_FALSE(limited.waiting().any_freed()) << "somebody else has the permit";
  limit->leave();
}

}  // namespace
}  // namespace weft
