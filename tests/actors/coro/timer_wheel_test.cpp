#include "actors/coro/timer_wheel.hpp"

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <random>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weft::coro {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

/// An executor that is nothing but a wheel and a clock to turn by hand.
class wheel_executor final : public executor {
 public:
  explicit wheel_executor(clock::time_point start = clock::time_point(12345678ns))
      : origin_(start), now_(start), wheel_(start) {}

  clock::time_point now() const noexcept override { return now_; }
  void post(std::coroutine_handle<>) override {}
  void unpost(std::coroutine_handle<>) noexcept override {}

  timer_wheel& wheel() { return wheel_; }
  void advance_to(clock::time_point t) {
    now_ = t;
    wheel_.advance(now_, [](timer& due) { expire(due); });
  }
  void advance(clock::duration d) { advance_to(now_ + d); }
  /// When a timer for `due` is expected to fire: at the end of the tick that `due` lies in.
  std::int64_t tick_of(clock::time_point due) const {
    return std::chrono::ceil<std::chrono::milliseconds>(due - origin_).count();
  }
  std::int64_t past_tick() const {
    return std::chrono::floor<std::chrono::milliseconds>(now_ - origin_).count();
  }

 private:
  void insert(timer& t) override { wheel_.insert(t); }
  void remove(timer& t) noexcept override { wheel_.remove(t); }

  clock::time_point origin_;
  clock::time_point now_;
  timer_wheel wheel_;
};

struct alarm final : timer {
  explicit alarm(std::function<void()> what_to_do) : action(std::move(what_to_do)) {}
  void on_expiry() override { action(); }
  std::function<void()> action;
};

class a_timer_wheel : public testing::Test {
 protected:
  wheel_executor run;
  std::vector<int> fired;

  std::unique_ptr<alarm> timer_for(clock::duration time, int number) {
    auto a = std::make_unique<alarm>([this, number] { fired.push_back(number); });
    run.arm(*a, run.now() + time);
    return a;
  }
};

TEST_F(a_timer_wheel, fires_on_every_level_exactly_when_a_timer_is_due) {
  for (const clock::duration time :
       {clock::duration(1ms), clock::duration(63ms), clock::duration(64ms), clock::duration(5s),
        clock::duration(5min), clock::duration(6h), clock::duration(24h * 15), clock::duration(24h * 400)}) {
    fired.clear();
    const auto a = timer_for(time, 1);
    run.advance(time - 1ns);
    EXPECT_TRUE(fired.empty()) << time.count();
    run.advance(1ns);
    EXPECT_THAT(fired, ElementsAre(1)) << time.count();
    EXPECT_EQ(run.wheel().size(), 0U);
  }
}

TEST_F(a_timer_wheel, rounds_up_to_a_tick) {
  const auto a = timer_for(1ms + 1ns, 1);
  run.advance(2ms - 1ns);
  EXPECT_TRUE(fired.empty());
  run.advance(1ns);
  EXPECT_THAT(fired, ElementsAre(1));
}

TEST_F(a_timer_wheel, keeps_timers_beyond_its_reach) {
  const auto reach = 1ms * (std::int64_t{1} << 36);
  const auto twice = timer_for(2 * reach, 2);
  const auto once = timer_for(reach + 7ms, 1);
  const auto near_the_end = timer_for(reach - 1ms, 0);
  const auto never = std::make_unique<alarm>([] { FAIL() << "fired at the end of time"; });
  run.arm(*never, clock::time_point::max());
  run.advance(reach - 1ms);
  EXPECT_THAT(fired, ElementsAre(0));
  run.advance(7ms);
  EXPECT_THAT(fired, ElementsAre(0));
  run.advance(1ms);
  EXPECT_THAT(fired, ElementsAre(0, 1));
  run.advance(reach - 8ms);
  EXPECT_THAT(fired, ElementsAre(0, 1));
  run.advance(1ms);
  EXPECT_THAT(fired, ElementsAre(0, 1, 2));
  EXPECT_EQ(run.wheel().size(), 1U);
}

TEST_F(a_timer_wheel, knows_a_lower_bound_of_the_next_due_time) {
  EXPECT_EQ(run.wheel().next_due(), std::nullopt);
  const auto far = timer_for(10min, 1);
  ASSERT_TRUE(run.wheel().next_due());
  EXPECT_LE(*run.wheel().next_due(), run.now() + 10min);
  EXPECT_GT(*run.wheel().next_due(), run.now());
  const auto close = timer_for(17ms, 2);
  EXPECT_EQ(run.wheel().next_due(), run.now() + 17ms);
  const auto past = timer_for(-1s, 3);
  EXPECT_LE(*run.wheel().next_due(), run.now());
}

TEST_F(a_timer_wheel, lets_a_callback_remove_a_timer_that_is_due_in_the_same_call) {
  const auto same_tick = timer_for(5ms, 1);
  const auto later_tick = timer_for(6ms, 2);
  auto destroyed = timer_for(6ms, 3);
  alarm remover([&] {
    run.disarm(*same_tick);
    run.disarm(*later_tick);
    destroyed.reset();
  });
  run.arm(remover, run.now() + 4ms);
  alarm other([&] { run.disarm(*same_tick); });
  run.advance(10ms);
  EXPECT_TRUE(fired.empty());
  EXPECT_EQ(run.wheel().size(), 0U);

  // The very same tick: the one that was armed first disarms the other.
  run.arm(other, run.now() + 1ms);
  run.arm(*same_tick, run.now() + 1ms);
  run.advance(1ms);
  EXPECT_TRUE(fired.empty());
}

TEST_F(a_timer_wheel, does_not_spin_when_a_callback_arms_for_a_time_that_is_past) {
  int times = 0;
  std::optional<alarm> eager;
  eager.emplace([&] {
    ++times;
    run.arm(*eager, run.now() - 1s);
  });
  run.arm(*eager, run.now());
  run.advance(0ms);
  EXPECT_EQ(times, 1);
  run.advance(0ms);
  EXPECT_EQ(times, 2);
}

TEST_F(a_timer_wheel, hands_a_callbacks_new_timer_out_in_the_same_call_when_time_is_behind) {
  int times = 0;
  std::optional<alarm> ticker;
  clock::time_point next = run.now();
  ticker.emplace([&] {
    ++times;
    run.arm(*ticker, next += 10ms);
  });
  run.arm(*ticker, next += 10ms);
  run.advance(100ms);
  EXPECT_EQ(times, 10);
}

// The wheel against a list that is searched from end to end.
class against_a_naive_model : public testing::TestWithParam<unsigned> {
 protected:
  struct entry {
    explicit entry(against_a_naive_model* owner) : alarm_([this, owner] { owner->on_fire(*this); }) {}
    alarm alarm_;
    std::optional<clock::time_point> expected;
    int armed_in_turn = 0;
  };

  /// From the past to beyond the wheel's reach; the longest seldom, for the clock itself must not overflow.
  clock::duration some_time() {
    static constexpr std::int64_t scales[] = {2'000'000, 100'000'000, 10'000'000'000, 5'000'000'000'000,
                                              2'000'000'000'000'000};
    const bool beyond = random_() % 128 == 0;
    const std::int64_t scale = beyond ? 200'000'000'000'000'000 : scales[random_() % std::size(scales)];
    return clock::duration(std::uniform_int_distribution<std::int64_t>(-scale / 20, scale)(random_));
  }
  entry& any() { return *entries_[random_() % entries_.size()]; }

  void arm(entry& e) {
    e.expected = run_.now() + some_time();
    e.armed_in_turn = turn_;
    run_.arm(e.alarm_, *e.expected);
  }
  void disarm(entry& e) {
    e.expected.reset();
    run_.disarm(e.alarm_);
  }
  void replace() {
    auto& victim = entries_[random_() % entries_.size()];
    victim = std::make_unique<entry>(this);
  }

  void on_fire(entry& e) {
    ASSERT_TRUE(e.expected) << "fired although it was disarmed";
    ASSERT_LE(*e.expected, run_.now()) << "fired too early";
    const std::int64_t tick = std::max(run_.tick_of(*e.expected), tick_before_);
    ASSERT_GE(tick, last_fired_) << "fired out of order";
    last_fired_ = tick;
    e.expected.reset();
    ++fired_;
    switch (random_() % 8) {
      case 0:
        arm(e);
        break;
      case 1:
        disarm(any());
        break;
      case 2:
        arm(any());
        break;
      default:
        break;
    }
  }

  void check() {
    std::size_t armed = 0;
    std::optional<clock::time_point> earliest;
    for (const auto& e : entries_) {
      ASSERT_EQ(e->alarm_.armed(), e->expected.has_value());
      if (!e->expected) continue;
      ++armed;
      earliest = std::min(earliest.value_or(clock::time_point::max()), *e->expected);
    }
    ASSERT_EQ(run_.wheel().size(), armed);
    const auto bound = run_.wheel().next_due();
    ASSERT_EQ(bound.has_value(), armed != 0);
    if (bound) {
      ASSERT_LE(*bound, std::max(*earliest + 1ms, run_.now()));
    }
  }

  /// Everything that is due fires, but for what a callback armed for the past: that waits for the next turn.
  void advance(clock::duration time) {
    ++turn_;
    last_fired_ = 0;
    tick_before_ = run_.past_tick();
    run_.advance(time);
    for (const auto& e : entries_) {
      if (!e->expected || e->armed_in_turn == turn_) continue;
      ASSERT_GT(run_.tick_of(*e->expected), run_.past_tick()) << "did not fire";
    }
  }

  wheel_executor run_;
  std::mt19937 random_{GetParam()};
  std::vector<std::unique_ptr<entry>> entries_;
  std::int64_t last_fired_ = 0;
  std::int64_t tick_before_ = 0;
  std::size_t fired_ = 0;
  int turn_ = 0;
};

TEST_P(against_a_naive_model, every_timer_fires_on_time_and_in_order) {
  for (int i = 0; i != 60; ++i) entries_.push_back(std::make_unique<entry>(this));
  for (int step = 0; step != 20'000 && !HasFailure(); ++step) {
    switch (random_() % 6) {
      case 0:
      case 1:
      case 2:
        arm(any());
        break;
      case 3:
        disarm(any());
        break;
      case 4:
        replace();
        break;
      default:
        advance(std::chrono::abs(some_time()));
        break;
    }
    check();
  }
  EXPECT_GT(fired_, 500U);
}

INSTANTIATE_TEST_SUITE_P(seeds, against_a_naive_model, testing::Range(1U, 6U));

}  // namespace
}  // namespace weft::coro
