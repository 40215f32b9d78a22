// The loop: jobs, wake-ups from other threads, timers, descriptors.
#include "actors/runtime/reactor.hpp"

#include <memory>
#include <thread>
#include <vector>

#include <gmock/gmock.h>

#include "tests/actors/runtime/noting.hpp"
#include "tests/actors/runtime/reactor_thread.hpp"

namespace weft {
namespace {

using std::chrono::milliseconds;
using testing::ElementsAre;

class alarm_clock final : public coro::timer {
 public:
  explicit alarm_clock(std::function<void()> ring) : ring_(std::move(ring)) {}
  void on_expiry() override { ring_(); }

 private:
  std::function<void()> ring_;
};

TEST_F(reactor_test, runs_jobs_in_the_order_they_came) {
  std::vector<int> order;
  for (int i = 0; i < 100; ++i) loop.exec_later(job::once([&order, i] { order.push_back(i); }));
  run([] {});
  ASSERT_EQ(order.size(), 100U);
  EXPECT_TRUE(std::ranges::is_sorted(order));
}

TEST_F(reactor_test, a_job_from_inside_a_job_runs_after_it) {
  std::vector<int> order;
  loop.exec_later(job::once([&] {
    loop.exec_later(job::once([&] {
      order.push_back(3);
      loop.stop();
    }));
    order.push_back(1);
  }));
  loop.exec_later(job::once([&] { order.push_back(2); }));
  run_until_stopped();
  EXPECT_THAT(order, ElementsAre(1, 2, 3));
}

TEST_F(reactor_test, a_job_that_wants_to_go_on_does) {
  int left = 500;
  loop.exec_later(job::repeated([&] {
    if (--left == 0) loop.stop();
    return left > 0;
  }));
  run_until_stopped();
  EXPECT_EQ(left, 0);
}

TEST_F(reactor_test, jobs_that_never_end_do_not_keep_it_from_its_descriptors) {
  bool stop = false;
  watched_end end(loop, EPOLLIN, [&](watched_end&) {
    stop = true;
    loop.stop();
  });
  end.write_here();
  loop.exec_later(job::repeated([&] { return !stop; }));
  run_until_stopped();
  EXPECT_TRUE(stop);
}

TEST_F(reactor_test, knows_its_thread_and_its_index) {
  EXPECT_FALSE(loop.on_this_thread());
  EXPECT_EQ(loop.index(), 3U);
  bool inside = false;
  bool other = true;
  run([&] {
    inside = loop.on_this_thread();
    std::thread([&] { other = loop.on_this_thread(); }).join();
  });
  EXPECT_TRUE(inside);
  EXPECT_FALSE(other);
  EXPECT_FALSE(loop.on_this_thread());
}

TEST_F(reactor_test, takes_jobs_from_many_threads_and_keeps_the_order_of_each) {
  constexpr int threads = 4;
  constexpr int each = 2'000;
  std::vector<std::vector<int>> seen(threads);
  int missing = threads * each;
  std::vector<std::thread> senders;
  for (int t = 0; t < threads; ++t) {
    senders.emplace_back([&, t] {
      for (int i = 0; i < each; ++i) {
        loop.exec_later(job::once([&, t, i] {
          EXPECT_TRUE(loop.on_this_thread());
          seen[static_cast<std::size_t>(t)].push_back(i);
          if (--missing == 0) loop.stop();
        }));
      }
    });
  }
  run_until_stopped();
  for (auto& sender : senders) sender.join();
  for (const auto& numbers : seen) {
    EXPECT_EQ(numbers.size(), static_cast<std::size_t>(each));
    EXPECT_TRUE(std::ranges::is_sorted(numbers));
  }
}

TEST_F(reactor_test, wakes_up_once_for_a_burst) {
  for (int i = 0; i < 1'000; ++i) loop.exec_later(job::once([] {}));
  run([] {});
  EXPECT_EQ(loop.metrics().get(metric::reactor_remote_wakeups), 1);
}

TEST_F(reactor_test, is_woken_while_it_sleeps) {
  std::thread other;
  loop.exec_later(job::once([&] {
    // The loop has nothing to do any more and no timer: only the other thread can end this.
    other = std::thread([&] { loop.exec_later(job::once([&] { loop.stop(); })); });
  }));
  run_until_stopped();
  other.join();
}

TEST_F(reactor_test, stop_may_come_from_another_thread_and_before_it_runs) {
  std::thread([&] { loop.stop(); }).join();
  run_until_stopped();
}

TEST(reactor_lifetime, jobs_that_never_ran_are_released) {
  const auto witness = std::make_shared<int>();
  caf::actor_system_config config;
  caf::actor_system system{config};
  {
    reactor loop(system, 0);
    for (int i = 0; i < 3; ++i) loop.exec_later(job::once([witness] {}));
    EXPECT_EQ(witness.use_count(), 4);
  }
  EXPECT_EQ(witness.use_count(), 1);
}

TEST_F(reactor_test, timers_fire_in_the_order_they_are_due_and_never_early) {
  std::vector<int> order;
  std::vector<std::unique_ptr<alarm_clock>> clocks;
  const auto arm = [&](int number, milliseconds after, bool last) {
    const auto due = coro::clock::now() + after;
    clocks.push_back(std::make_unique<alarm_clock>([&, number, due, last] {
      EXPECT_GE(coro::clock::now(), due);
      order.push_back(number);
      if (last) loop.stop();
    }));
    loop.arm(*clocks.back(), due);
  };
  loop.exec_later(job::once([&] {
    arm(3, milliseconds(60), true);
    arm(1, milliseconds(0), false);
    arm(2, milliseconds(20), false);
  }));
  run_until_stopped();
  EXPECT_THAT(order, ElementsAre(1, 2, 3));
}

TEST_F(reactor_test, a_timer_that_is_disarmed_or_dies_does_not_fire) {
  alarm_clock disarmed([] { FAIL(); });
  auto dead = std::make_unique<alarm_clock>([] { FAIL(); });
  alarm_clock last([this] { loop.stop(); });
  loop.exec_later(job::once([&] {
    loop.arm(disarmed, loop.now() + milliseconds(5));
    loop.arm(*dead, loop.now() + milliseconds(5));
    loop.arm(last, loop.now() + milliseconds(30));
    loop.disarm(disarmed);
    EXPECT_FALSE(disarmed.armed());
    dead.reset();
  }));
  run_until_stopped();
}

TEST_F(reactor_test, a_timer_may_disarm_another_that_is_due_in_the_same_moment) {
  std::unique_ptr<alarm_clock> one;
  std::unique_ptr<alarm_clock> other;
  int fired = 0;
  const auto ring = [&](std::unique_ptr<alarm_clock>& rival) {
    ++fired;
    rival.reset();
  };
  one = std::make_unique<alarm_clock>([&] { ring(other); });
  other = std::make_unique<alarm_clock>([&] { ring(one); });
  alarm_clock last([this] { loop.stop(); });
  loop.exec_later(job::once([&] {
    const auto due = loop.now() + milliseconds(5);
    loop.arm(*one, due);
    loop.arm(*other, due);
    loop.arm(last, due + milliseconds(20));
  }));
  run_until_stopped();
  EXPECT_EQ(fired, 1);
}

TEST_F(reactor_test, a_timer_may_arm_itself_again) {
  int rings = 0;
  std::unique_ptr<alarm_clock> clock;
  clock = std::make_unique<alarm_clock>([&] {
    if (++rings == 5) return loop.stop();
    loop.arm(*clock, loop.now() + milliseconds(1));
  });
  loop.exec_later(job::once([&] { loop.arm(*clock, loop.now()); }));
  run_until_stopped();
  EXPECT_EQ(rings, 5);
}

TEST_F(reactor_test, time_stands_still_during_a_turn) {
  run([&] {
    const auto before = loop.now();
    while (coro::clock::now() < before + milliseconds(3)) {
    }
    EXPECT_EQ(loop.now(), before);
  });
}

TEST_F(reactor_test, resumes_posted_coroutines_later_and_in_order) {
  std::vector<int> order;
  const auto one = note(&order, 1);
  const auto two = note(&order, 2);
  const auto never = note(&order, 3);
  run([&] {
    loop.post(one.handle);
    loop.post(never.handle);
    loop.post(two.handle);
    loop.unpost(never.handle);
    EXPECT_TRUE(order.empty());
  });
  EXPECT_THAT(order, ElementsAre(1, 2));
}

TEST_F(reactor_test, tells_of_events_until_they_are_taken) {
  int events = 0;
  watched_end end(loop, EPOLLIN, [&](watched_end& self) {
    if (++events < 3) return;
    self.read_here();
    loop.stop();
  });
  end.write_here();
  run_until_stopped();
  EXPECT_EQ(events, 3) << "readiness is level-triggered";
}

TEST_F(reactor_test, does_not_tell_of_events_that_nobody_asked_for) {
  watched_end quiet(loop, EPOLLIN, [](watched_end&) { FAIL(); });
  watched_end end(loop, EPOLLIN, [&](watched_end& self) {
    self.read_here();
    loop.stop();
  });
  quiet.write_here();
  quiet.change(0);
  end.write_here();
  run_until_stopped();
}

TEST_F(reactor_test, a_handler_that_is_unwatched_inside_a_dispatch_hears_nothing_more) {
  // Both are ready before the loop runs, so both events come with one wait: the first to hear removes the
  // other.
  int events = 0;
  std::unique_ptr<watched_end> one;
  std::unique_ptr<watched_end> other;
  const auto remove = [&](std::unique_ptr<watched_end>& rival, watched_end& self) {
    ++events;
    self.read_here();
    rival.reset();
    loop.exec_later(job::once([&] { loop.stop(); }));
  };
  one = std::make_unique<watched_end>(loop, EPOLLIN, [&](watched_end& self) { remove(other, self); });
  other = std::make_unique<watched_end>(loop, EPOLLIN, [&](watched_end& self) { remove(one, self); });
  one->write_here();
  other->write_here();
  run_until_stopped();
  EXPECT_EQ(events, 1);
}

TEST_F(reactor_test, a_handler_may_unwatch_itself) {
  int events = 0;
  watched_end end(loop, EPOLLIN, [&](watched_end& self) {
    ++events;
    self.unwatch();
    loop.exec_later(job::once([&] { loop.stop(); }));
  });
  end.write_here();
  run_until_stopped();
  EXPECT_EQ(events, 1);
}

TEST_F(reactor_test, what_an_event_gives_rise_to_is_done_before_the_next_event) {
  std::vector<int> order;
  const auto handle = [&](watched_end& self) {
    self.read_here();
    order.push_back(1);
    loop.exec_later(job::once([&] { order.push_back(2); }));
    if (order.size() > 2) loop.exec_later(job::once([&] { loop.stop(); }));
  };
  watched_end one(loop, EPOLLIN, handle);
  watched_end other(loop, EPOLLIN, handle);
  one.write_here();
  other.write_here();
  run_until_stopped();
  EXPECT_THAT(order, ElementsAre(1, 2, 1, 2));
}

}  // namespace
}  // namespace weft
