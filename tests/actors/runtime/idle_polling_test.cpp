// When an idle loop polls, told what happened to it; and a real loop that does.
#include "actors/runtime/idle_polling.hpp"

#include <thread>

#include <gtest/gtest.h>

#include "tests/actors/runtime/reactor_thread.hpp"

namespace weft {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;
using enum idle_polling::result;

constexpr microseconds window{50};
constexpr microseconds soon{120};
constexpr milliseconds late{1};

/// Short sleeps until it polls.
int sleeps_before_a_poll(idle_polling& rule) {
  int sleeps = 0;
  for (; !rule.pays() && sleeps < 100'000; ++sleeps) rule.slept(soon);
  return sleeps;
}

TEST(idle_polling_rule, polls_after_some_short_sleeps) {
  idle_polling rule(window);
  EXPECT_FALSE(rule.pays());
  EXPECT_EQ(sleeps_before_a_poll(rule), 4);
  EXPECT_TRUE(rule.pays());
}

TEST(idle_polling_rule, never_without_a_window) {
  idle_polling rule(microseconds{0});
  for (int i = 0; i < 10'000; ++i) {
    rule.slept(std::chrono::nanoseconds{i});
    ASSERT_FALSE(rule.pays());
  }
}

TEST(idle_polling_rule, a_long_sleep_outweighs_some_short_ones) {
  idle_polling rule(window);
  for (int i = 0; i < 1'000; ++i) {
    for (int n = 0; n < 3; ++n) rule.slept(soon);
    rule.slept(late);
    ASSERT_FALSE(rule.pays());
  }
}

TEST(idle_polling_rule, sleeps_alternately_short_and_long_never_poll) {
  idle_polling rule(window);
  for (int i = 0; i < 1'000; ++i) {
    rule.slept(soon);
    rule.slept(late);
    ASSERT_FALSE(rule.pays());
  }
}

TEST(idle_polling_rule, a_busy_loop_says_nothing_about_sleeps) {
  idle_polling rule(window);
  for (int i = 0; i < 1'000; ++i) rule.slept(std::chrono::nanoseconds{900});
  EXPECT_FALSE(rule.pays());
}

TEST(idle_polling_rule, goes_on_while_four_in_five_find_something) {
  idle_polling rule(window);
  sleeps_before_a_poll(rule);
  rule.polled(found);
  for (int i = 0; i < 1'000; ++i) {
    rule.polled(in_vain);
    ASSERT_TRUE(rule.pays());
    for (int n = 0; n < 4; ++n) rule.polled(found);
  }
}

TEST(idle_polling_rule, ends_when_fewer_do) {
  idle_polling rule(window);
  sleeps_before_a_poll(rule);
  for (int i = 0; i < 16; ++i) rule.polled(found);
  int misses = 0;
  for (; rule.pays(); ++misses) {
    for (int n = 0; n < 3; ++n) rule.polled(found);
    rule.polled(in_vain);
    ASSERT_LT(misses, 100);
  }
  EXPECT_GT(misses, 4);
}

TEST(idle_polling_rule, a_crowded_core_ends_it_as_an_empty_window_does) {
  idle_polling rule(window);
  sleeps_before_a_poll(rule);
  rule.polled(crowded);
  EXPECT_FALSE(rule.pays());
}

TEST(idle_polling_rule, each_useless_try_doubles_the_wait_for_the_next) {
  idle_polling rule(window);
  for (const int wanted : {4, 8, 16, 32, 64, 128, 256, 512, 1024, 1024, 1024}) {
    EXPECT_EQ(sleeps_before_a_poll(rule), wanted);
    rule.polled(in_vain);
  }
}

TEST(idle_polling_rule, success_makes_up_for_useless_tries) {
  idle_polling rule(window);
  for (int i = 0; i < 12; ++i) {
    sleeps_before_a_poll(rule);
    rule.polled(in_vain);
  }
  sleeps_before_a_poll(rule);
  for (int i = 0; i < 12; ++i) rule.polled(found);
  while (rule.pays()) rule.polled(in_vain);
  EXPECT_LE(sleeps_before_a_poll(rule), 8);
}

/// A loop and a thread that answers each byte with one: one of them always waits for the other.
class polling_reactor : public testing::Test {
 protected:
  /// Goes on until `enough` says so, then stops the loop.
  void exchange_bytes(reactor& here, const std::function<bool()>& enough) {
    std::array<int, 2> ends{-1, -1};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
    struct answering final : event_handler {
      void on_events(std::uint32_t) override {
        char byte = 0;
        ASSERT_EQ(::read(end, &byte, 1), 1);
        if (enough()) return on_enough();
        ASSERT_EQ(::write(end, &byte, 1), 1);
      }
      int end = -1;
      std::function<bool()> enough;
      std::function<void()> on_enough;
    } handler;
    handler.end = ends[0];
    handler.enough = enough;
    handler.on_enough = [&] { when_enough(here); };
    here.descriptors().add(ends[0], EPOLLIN, handler);
    std::thread other([end = ends[1]] {
      for (char byte = 'x'; ::send(end, &byte, 1, MSG_NOSIGNAL) == 1 && ::read(end, &byte, 1) == 1;) {
      }
    });
    here.run();
    here.descriptors().remove(ends[0], handler);
    ::shutdown(ends[0], SHUT_RDWR);
    other.join();
    ::close(ends[0]);
    ::close(ends[1]);
  }

  virtual void when_enough(reactor& here) { here.stop(); }

  static std::int64_t polls(reactor& here) {
    const auto& counted = here.metrics();
    return counted.get(metric::reactor_polls_found) + counted.get(metric::reactor_polls_in_vain) +
           counted.get(metric::reactor_polls_crowded);
  }

  caf::actor_system_config config;
  caf::actor_system system{config};
  // Long enough for whatever else this machine does.
  reactor loop{system, 0, {.poll_window = seconds(60)}};
};

TEST_F(polling_reactor, polls_while_events_come_soon) {
  exchange_bytes(loop, [&] { return polls(loop) >= 3; });
  EXPECT_GT(loop.metrics().get(metric::reactor_poll_ns), 0);
  EXPECT_EQ(loop.metrics().get(metric::reactor_polls_in_vain), 0);
}

TEST_F(polling_reactor, never_polls_without_a_window) {
  reactor sleeping(system, 1, {.poll_window = microseconds(0)});
  int rounds = 0;
  exchange_bytes(sleeping, [&] { return ++rounds == 2'000; });
  EXPECT_EQ(polls(sleeping), 0);
  EXPECT_EQ(sleeping.metrics().get(metric::reactor_poll_ns), 0);
}

/// Reached enough, it waits for something that is no event of a socket.
class interrupted_polling : public polling_reactor {
 protected:
  void when_enough(reactor& here) override { then(here); }

  std::function<void(reactor&)> then;
};

TEST_F(interrupted_polling, a_timer_ends_it) {
  struct alarm final : coro::timer {
    void on_expiry() override { loop->stop(); }
    reactor* loop = nullptr;
  } ring;
  ring.loop = &loop;
  then = [&](reactor& here) { here.arm(ring, here.now() + milliseconds(50)); };
  const auto began = coro::clock::now();
  exchange_bytes(loop, [&] { return polls(loop) >= 1; });
  const auto passed = coro::clock::now() - began;
  EXPECT_LT(passed, seconds(60));
  const auto& counted = loop.metrics();
  const auto polled_ns = counted.get(metric::reactor_poll_ns);
  EXPECT_GT(polled_ns, 0);
  EXPECT_LE(polled_ns + counted.get(metric::reactor_busy_ns), std::chrono::nanoseconds(passed).count())
      << "polling must not be counted as being busy";
}

TEST_F(interrupted_polling, another_thread_ends_it) {
  std::thread other;
  then = [&](reactor& here) { other = std::thread([&here] { here.stop(); }); };
  const auto began = coro::clock::now();
  exchange_bytes(loop, [&] { return polls(loop) >= 1; });
  other.join();
  EXPECT_LT(coro::clock::now() - began, seconds(60));
}

}  // namespace
}  // namespace weft
