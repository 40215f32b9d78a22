#include "actors/coro/broadcast.hpp"

#include <memory>
#include <stdexcept>
#include <vector>

#include "actors/coro/sleep.hpp"
#include "tests/actors/coro/coroutine_host.hpp"

namespace weft::coro {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using reason = broadcast_gap::reason;

class a_broadcast : public coroutine_host {
 protected:
  cancel_scope ctx() { return cancel_scope(run()); }
};

struct heard {
  std::vector<int> values;
  std::vector<broadcast_gap> gaps;
};

/// Listens until the end, with a pause after each value. A test that leaves it waiting ends the actor,
/// because it is told when the broadcast dies.
task<> listen(broadcast<int>* to, cancel_scope ctx, clock::duration pause, heard* seen) {
  auto mine = to->subscribe();
  for (;;) {
    const auto value = co_await mine.next(ctx);
    if (value) {
      seen->values.push_back(*value);
    } else {
      seen->gaps.push_back(value.error());
      if (value.error().why != reason::lagged) co_return;
    }
    if (pause != 0s) co_await sleep_for(ctx, pause);
  }
}

TEST_F(a_broadcast, gives_every_value_to_every_subscriber_from_then_on) {
  broadcast<int> numbers(4, slow_subscriber::lags);
  heard first;
  heard second;
  numbers.publish(1);
  spawn(listen(&numbers, ctx(), 0s, &first));
  numbers.publish(2);
  EXPECT_THAT(first.values, ElementsAre()) << "publishing must not run a subscriber on its own stack";
  run_ready();
  spawn(listen(&numbers, ctx(), 0s, &second));
  numbers.publish(3);
  numbers.publish(4);
  run_ready();
  EXPECT_THAT(first.values, ElementsAre(2, 3, 4));
  EXPECT_THAT(second.values, ElementsAre(3, 4));
  end_actor();
}

TEST_F(a_broadcast, tells_a_slow_subscriber_how_many_it_has_lost) {
  broadcast<int> numbers(2, slow_subscriber::lags);
  heard slow;
  spawn(listen(&numbers, ctx(), 1s, &slow));
  numbers.publish(0);
  run_ready();
  for (int i = 1; i != 6; ++i) numbers.publish(i);
  numbers.close();
  for (int i = 0; i != 5; ++i) advance(1s);
  EXPECT_THAT(slow.values, ElementsAre(0, 4, 5));
  EXPECT_THAT(slow.gaps, ElementsAre(broadcast_gap{reason::lagged, 3}, broadcast_gap{reason::closed}));
}

TEST_F(a_broadcast, drops_a_slow_subscriber_and_no_other) {
  broadcast<int> numbers(2, slow_subscriber::is_dropped);
  heard slow;
  heard fast;
  spawn(listen(&numbers, ctx(), 1s, &slow));
  spawn(listen(&numbers, ctx(), 0s, &fast));
  for (int i = 0; i != 4; ++i) {
    numbers.publish(i);
    run_ready();
  }
  advance(1s);
  EXPECT_THAT(slow.values, ElementsAre(0));
  EXPECT_THAT(slow.gaps, ElementsAre(broadcast_gap{reason::dropped, 1}));
  EXPECT_THAT(fast.values, ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(fast.gaps, ElementsAre());
  end_actor();
}

TEST_F(a_broadcast, goes_on_refusing_a_subscriber_that_it_dropped) {
  broadcast<int> numbers(1, slow_subscriber::is_dropped);
  std::vector<broadcast_gap> gaps;
  spawn([](broadcast<int>* to, cancel_scope in, std::vector<broadcast_gap>* seen) -> task<> {
    auto mine = to->subscribe();
    to->publish(1);
    to->publish(2);
    for (int i = 0; i != 2; ++i) seen->push_back((co_await mine.next(in)).error());
  }(&numbers, ctx(), &gaps));
  EXPECT_THAT(gaps, ElementsAre(broadcast_gap{reason::dropped, 1}, broadcast_gap{reason::dropped, 1}));
}

TEST_F(a_broadcast, that_is_closed_ends_after_what_was_not_seen) {
  broadcast<int> numbers(4, slow_subscriber::lags);
  heard slow;
  heard waiting;
  spawn(listen(&numbers, ctx(), 1s, &slow));
  for (const int value : {1, 2, 3}) numbers.publish(value);
  run_ready();
  spawn(listen(&numbers, ctx(), 0s, &waiting));
  numbers.close();
  for (int i = 0; i != 4; ++i) advance(1s);
  EXPECT_THAT(slow.values, ElementsAre(1, 2, 3));
  EXPECT_THAT(slow.gaps, ElementsAre(broadcast_gap{reason::closed}));
  EXPECT_THAT(waiting.gaps, ElementsAre(broadcast_gap{reason::closed}));
}

TEST_F(a_broadcast, ends_a_wait_when_its_context_is_cancelled) {
  broadcast<int> numbers(4, slow_subscriber::lags);
  heard seen;
  const cancel_scope cancelled = ctx();
  spawn(listen(&numbers, cancelled, 0s, &seen));
  cancelled.cancel(cancel_reason::disconnected);
  EXPECT_THAT(seen.gaps, ElementsAre());
  run_ready();
  EXPECT_THAT(seen.gaps, ElementsAre(broadcast_gap{reason::cancelled}));
}

TEST_F(a_broadcast, that_dies_ends_its_subscribers) {
  auto numbers = std::make_unique<broadcast<int>>(4, slow_subscriber::lags);
  heard waiting;
  heard busy;
  spawn(listen(numbers.get(), ctx(), 0s, &waiting));
  spawn(listen(numbers.get(), ctx(), 1s, &busy));
  numbers->publish(1);
  run_ready();
  numbers->publish(2);
  numbers.reset();
  run_ready();
  advance(1s);
  EXPECT_THAT(waiting.gaps, ElementsAre(broadcast_gap{reason::closed}));
  EXPECT_THAT(busy.values, ElementsAre(1));
  EXPECT_THAT(busy.gaps, ElementsAre(broadcast_gap{reason::closed}));
}

TEST_F(a_broadcast, forgets_subscribers_whose_frames_are_destroyed) {
  broadcast<int> numbers(4, slow_subscriber::lags);
  for (const bool woken : {false, true}) {
    heard seen;
    auto tasks = std::make_unique<scope>(run(), nullptr);
    tasks->spawn(listen(&numbers, ctx(), 0s, &seen));
    if (woken) numbers.publish(1);
    tasks.reset();
    numbers.publish(2);
    run_ready();
    EXPECT_THAT(seen.values, ElementsAre());
    EXPECT_THAT(seen.gaps, ElementsAre());
  }
}

TEST_F(a_broadcast, keeps_at_least_one_value) {
  EXPECT_THROW(broadcast<int>(0, slow_subscriber::lags), std::invalid_argument);
}

}  // namespace
}  // namespace weft::coro
