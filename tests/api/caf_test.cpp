// Answers inside actors of a system of the program's own.
#include "weft/caf.hpp"

#include <gmock/gmock.h>

#include "tests/api/node_here.hpp"

namespace weft {
namespace {

using namespace std::chrono_literals;

service doubling() {
  service some("numbers");
  some.method("twice", [](int number) { return 2 * number; }, {.params = {"number"}});
  return some;
}

class caf_test : public testing::Test {
 public:
  node here = start_node({doubling()});
  client caller = connect_to(here);
  arrival<int> told;
  caf::actor_system_config config;
  caf::actor_system system{config};
};

TEST_F(caf_test, an_actor_gets_the_answer_as_a_message) {
  const auto receiver = system.spawn(
      [](caf::event_based_actor* self, caf_test* test) -> caf::behavior {
        return {[test, self](result<int>& answer) {
          test->told.put(answer.value_or(-1));
          self->quit();
        }};
      },
      this);
  deliver(caller.call<int>("twice", 21), receiver);
  EXPECT_EQ(told.take(), 42);
}

TEST_F(caf_test, an_actor_requests_the_answer) {
  system.spawn(
      [](caf::event_based_actor* self, caf_test* test) {
        self->request(as_actor(test->system, test->caller.call<int>("twice", 4)), caf::infinite, get_answer)
            .then([test](result<int>& answer) { test->told.put(answer.value_or(-1)); },
                  [test](caf::error&) { test->told.put(-2); });
      },
      this);
  EXPECT_EQ(told.take(), 8);
}

TEST_F(caf_test, an_actor_hands_its_own_request_on_to_a_call) {
  const auto between = system.spawn(
      [](caf::event_based_actor* self, caf_test* test) -> caf::behavior {
        return {[test, self](int number) {
          return self->delegate(as_actor(test->system, test->caller.call<int>("twice", number)), get_answer);
        }};
      },
      this);
  const caf::scoped_actor self(system);
  self->request(between, caf::infinite, 5)
      .receive([this](result<int>& answer) { told.put(answer.value_or(-1)); },
               [this](caf::error&) { told.put(-2); });
  EXPECT_EQ(told.take(), 10);
}

TEST_F(caf_test, an_error_is_an_answer_too) {
  const caf::scoped_actor self(system);
  self->request(as_actor(system, caller.call<int>("no.method")), caf::infinite, get_answer)
      .receive([this](result<int>& answer) { told.put(answer ? 0 : answer.error().code); },
               [this](caf::error&) { told.put(-2); });
  EXPECT_EQ(told.take(), -32601);
}

}  // namespace
}  // namespace weft
