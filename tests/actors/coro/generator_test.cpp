#include "actors/coro/generator.hpp"

#include <iterator>
#include <memory>
#include <ranges>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/actors/coro/coroutine_host.hpp"

namespace weft::coro {
namespace {

using testing::ElementsAre;
using testing::ElementsAreArray;
using testing::HasSubstr;
using testing::ThrowsMessage;

static_assert(std::input_iterator<generator<int>::iterator>);
static_assert(std::ranges::input_range<generator<int>&>);
static_assert(!std::is_copy_constructible_v<generator<int>>);

template <class T, class Sent, class Result>
std::vector<T> all_of(generator<T, Sent, Result> items) {
  std::vector<T> seen;
  for (T& item : items) seen.push_back(std::move(item));
  return seen;
}

generator<int> up_to(int end) {
  for (int i = 0; i != end; ++i) co_yield i;
}

TEST(a_generator, is_a_range) {
  EXPECT_THAT(all_of(up_to(3)), ElementsAre(0, 1, 2));
  EXPECT_THAT(all_of(up_to(0)), ElementsAre());
}

TEST(a_generator, goes_on_in_a_loop_where_it_was_left) {
  auto items = up_to(5);
  EXPECT_EQ(items.next(), 0);
  for (const int item : items) {
    if (item == 2) break;
  }
  EXPECT_EQ(items.next(), 3);
  EXPECT_EQ(items.next(), 4);
  EXPECT_EQ(items.next(), std::nullopt);
  EXPECT_EQ(items.next(), std::nullopt);
}

TEST(a_generator, yields_items_that_only_move) {
  constexpr auto boxes = []() -> generator<std::unique_ptr<int>> {
    co_yield std::make_unique<int>(1);
    co_yield std::make_unique<int>(2);
  };
  const auto seen = all_of(boxes());
  EXPECT_EQ(*seen.at(0) + *seen.at(1), 3);
}

TEST(a_generator, does_nothing_before_it_is_asked_and_frees_its_frame) {
  int alive = 0;
  bool ran = false;
  constexpr auto body = [](probe, bool* has_run) -> generator<int> {
    *has_run = true;
    co_yield 1;
  };
  {
    auto unasked = body(probe(&alive), &ran);
    EXPECT_FALSE(ran);
    EXPECT_EQ(alive, 1);
    auto asked = body(probe(&alive), &ran);
    asked.next();
    EXPECT_TRUE(ran);
    asked = std::move(unasked);
    EXPECT_EQ(alive, 1);
  }
  EXPECT_EQ(alive, 0);
}

generator<std::string, int, int> summing() {
  int sum = 0;
  std::string last = "started";
  while (const std::optional<int> sent = co_yield last) {
    sum += *sent;
    last = std::to_string(sum);
  }
  co_return sum;
}

TEST(a_generator, is_sent_values_and_returns_one) {
  auto gen = summing();
  EXPECT_THAT([&] { gen.send(1); }, ThrowsMessage<generator_error>(HasSubstr("not started")));
  EXPECT_EQ(gen.next(), "started");
  EXPECT_EQ(gen.send(5), "5");
  EXPECT_EQ(gen.send(6), "11");
  EXPECT_EQ(gen.result(), std::nullopt);
  EXPECT_EQ(gen.next(), std::nullopt);
  EXPECT_EQ(gen.result(), 11);
  EXPECT_EQ(gen.send(7), std::nullopt);
}

generator<int> stubborn(int* cleaned) {
  struct cleanup {
    int* count;
    ~cleanup() { ++*count; }
  } at_end{cleaned};
  int caught = 0;
  for (;;) {
    try {
      co_yield caught;
    } catch (const std::runtime_error&) {
      ++caught;
    }
  }
}

TEST(a_generator, catches_what_is_raised_in_it_or_hands_it_back) {
  int cleaned = 0;
  auto gen = stubborn(&cleaned);
  EXPECT_EQ(gen.next(), 0);
  EXPECT_EQ(gen.raise(std::runtime_error("one")), 1);
  EXPECT_THROW(gen.raise(std::out_of_range("far")), std::out_of_range);
  EXPECT_EQ(cleaned, 1);
  EXPECT_EQ(gen.next(), std::nullopt);
  EXPECT_THROW(gen.raise(std::runtime_error("late")), std::runtime_error);
}

TEST(a_generator, that_has_not_started_does_not_run_for_an_error_or_its_end) {
  int cleaned = 0;
  auto failed = stubborn(&cleaned);
  EXPECT_THROW(failed.raise(std::runtime_error("early")), std::runtime_error);
  EXPECT_EQ(failed.next(), std::nullopt);
  auto closed = stubborn(&cleaned);
  closed.close();
  EXPECT_EQ(closed.next(), std::nullopt);
  EXPECT_EQ(cleaned, 0);
}

TEST(a_generator, cleans_up_when_it_is_closed_or_dropped) {
  int cleaned = 0;
  auto gen = stubborn(&cleaned);
  gen.next();
  gen.close();
  EXPECT_EQ(cleaned, 1);
  gen.close();
  EXPECT_EQ(gen.next(), std::nullopt);
  {
    stubborn(&cleaned).next();
  }
  EXPECT_EQ(cleaned, 2);
}

generator<int> ignores_exit() {
  try {
    co_yield 1;
  } catch (const generator_exit&) {
  }
  co_yield 2;
}

TEST(a_generator, that_yields_while_it_is_closed_is_an_error) {
  auto gen = ignores_exit();
  gen.next();
  EXPECT_THAT([&] { gen.close(); }, ThrowsMessage<generator_error>(HasSubstr("while it was closed")));
}

TEST(a_generator, throws_what_leaves_its_body_once) {
  constexpr auto body = []() -> generator<int> {
    co_yield 1;
    throw std::runtime_error("broken");
  };
  auto gen = body();
  EXPECT_EQ(gen.next(), 1);
  EXPECT_THROW(gen.next(), std::runtime_error);
  EXPECT_EQ(gen.next(), std::nullopt);
  auto looped = body();
  EXPECT_THROW(all_of(std::move(looped)), std::runtime_error);
}

TEST(a_generator, is_not_asked_from_inside) {
  std::unique_ptr<generator<int>> gen;
  constexpr auto body = [](std::unique_ptr<generator<int>>* self) -> generator<int> {
    co_yield *(*self)->next();
  };
  gen = std::make_unique<generator<int>>(body(&gen));
  EXPECT_THAT([&] { gen->next(); }, ThrowsMessage<generator_error>(HasSubstr("is running")));
}

generator<std::string, int, int> twice() {
  const int first = co_yield elements_of(summing());
  const int second = co_yield elements_of(summing());
  co_return first* second;
}

TEST(a_delegating_generator, passes_on_what_is_sent_and_gets_what_is_returned) {
  auto gen = twice();
  EXPECT_EQ(gen.next(), "started");
  EXPECT_EQ(gen.send(2), "2");
  EXPECT_EQ(gen.send(3), "5");
  EXPECT_EQ(gen.next(), "started");
  EXPECT_EQ(gen.send(7), "7");
  EXPECT_EQ(gen.next(), std::nullopt);
  EXPECT_EQ(gen.result(), 35);
}

generator<int> wrapped(generator<int> inner, std::vector<std::string>* steps, std::string name) {
  try {
    co_yield elements_of(std::move(inner));
  } catch (const generator_exit&) {
    steps->push_back(name + " closed");
    throw;
  } catch (const std::exception& e) {
    steps->push_back(name + " caught " + e.what());
  }
  co_yield 100;
}

TEST(a_delegating_generator, passes_on_what_is_raised) {
  std::vector<std::string> steps;
  int cleaned = 0;
  auto gen = wrapped(wrapped(stubborn(&cleaned), &steps, "inner"), &steps, "outer");
  EXPECT_EQ(gen.next(), 0);
  EXPECT_EQ(gen.raise(std::runtime_error("one")), 1);
  EXPECT_THAT(steps, ElementsAre());
  EXPECT_EQ(gen.raise(std::out_of_range("far")), 100);
  EXPECT_EQ(cleaned, 1);
  EXPECT_THAT(steps, ElementsAre("inner caught far"));
  EXPECT_EQ(gen.raise(std::logic_error("off")), 100);
  EXPECT_THAT(steps, ElementsAre("inner caught far", "outer caught off"));
  EXPECT_EQ(gen.next(), std::nullopt);
}

generator<int> leaves_quietly() {
  try {
    co_yield 1;
  } catch (const generator_exit&) {
  }
}

TEST(a_delegating_generator, is_closed_from_the_inside_out_though_one_catches_its_exit) {
  std::vector<std::string> steps;
  auto gen = wrapped(wrapped(leaves_quietly(), &steps, "inner"), &steps, "outer");
  EXPECT_EQ(gen.next(), 1);
  gen.close();
  EXPECT_THAT(steps, ElementsAre("inner closed", "outer closed"));
}

TEST(a_delegating_generator, goes_on_with_one_that_was_asked_before) {
  std::vector<std::string> steps;
  auto started = wrapped(wrapped(up_to(3), &steps, "inner"), &steps, "middle");
  EXPECT_EQ(started.next(), 0);
  auto gen = wrapped(std::move(started), &steps, "outer");
  EXPECT_THAT(all_of(std::move(gen)), ElementsAre(1, 2, 100, 100, 100));
}

TEST(a_delegating_generator, passes_over_one_that_has_ended) {
  std::vector<std::string> steps;
  auto ended = up_to(0);
  ended.next();
  EXPECT_THAT(all_of(wrapped(std::move(ended), &steps, "outer")), ElementsAre(100));
}

TEST(a_delegating_generator, frees_the_inner_ones_with_itself) {
  int cleaned = 0;
  std::vector<std::string> steps;
  {
    auto gen = wrapped(wrapped(stubborn(&cleaned), &steps, "inner"), &steps, "outer");
    gen.next();
  }
  EXPECT_EQ(cleaned, 1);
  EXPECT_THAT(steps, ElementsAre());
}

constexpr int deep = 100'000;

/// Yields at the innermost level only.
generator<int> nested(int levels) {
  if (levels != 0) co_return co_yield elements_of(nested(levels - 1));
  for (int i = 0; i != deep; ++i) co_yield i;
}
generator<int> breaks_below(int levels) {
  if (levels != 0) co_return co_yield elements_of(breaks_below(levels - 1));
  co_yield 1;
  throw std::runtime_error("deep");
}

// Ten thousand million resumptions if each item passed through each level.
TEST(a_delegating_generator, costs_the_same_at_any_depth_and_no_stack) {
  std::int64_t sum = 0;
  for (const int item : nested(deep)) sum += item;
  EXPECT_EQ(sum, std::int64_t{deep} * (deep - 1) / 2);
}

TEST(a_delegating_generator, passes_an_exception_up_through_any_depth) {
  auto gen = breaks_below(deep);
  EXPECT_EQ(gen.next(), 1);
  EXPECT_THAT([&] { gen.next(); }, ThrowsMessage<std::runtime_error>("deep"));
}

}  // namespace
}  // namespace weft::coro
