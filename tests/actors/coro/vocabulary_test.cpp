// The examples of docs/coroutines.md, which quotes them.
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "actors/coro/async_generator.hpp"
#include "actors/coro/broadcast.hpp"
#include "actors/coro/channel.hpp"
#include "actors/coro/completion.hpp"
#include "actors/coro/event.hpp"
#include "actors/coro/generator.hpp"
#include "actors/coro/mutex.hpp"
#include "actors/coro/select.hpp"
#include "actors/coro/semaphore.hpp"
#include "actors/coro/sleep.hpp"
#include "actors/coro/timeout.hpp"
#include "actors/coro/when_all.hpp"
#include "actors/coro/when_any.hpp"
#include "tests/actors/coro/coroutine_host.hpp"

namespace weft::coro {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;

class vocabulary : public coroutine_host {
 protected:
  cancel_scope ctx() { return cancel_scope(run()); }
  using words = std::vector<std::string>;
  words said;
};

task<int> square_slowly(cancel_scope ctx, int n) {
  if (!co_await sleep_for(ctx, 1s)) co_return 0;
  co_return (n * n);
}

task<int> sum_of_squares(cancel_scope ctx) {
  const auto [a, b] = co_await when_all(square_slowly(ctx, 3), square_slowly(ctx, 4));
  co_return a + b;
}

TEST_F(vocabulary, when_all) {
  std::optional<int> sum;
  spawn(store(sum_of_squares(ctx()), &sum));
  advance(1s);
  EXPECT_EQ(sum, 25);
}

task<int> faster(cancel_scope ctx) {
  const cancel_scope race = ctx.child();
  const auto won = co_await when_any(race, square_slowly(race, 2), square_slowly(race, 3));
  co_return won.index == 0 ? std::get<0>(won.value) : std::get<1>(won.value);
}

TEST_F(vocabulary, when_any) {
  std::optional<int> result;
  spawn(store(faster(ctx()), &result));
  advance(1s);
  EXPECT_EQ(result, 4);
}

task<> wait_for_reply(completion<std::string>* reply, cancel_scope ctx, std::vector<std::string>* said) {
  const std::expected<std::string, cancel_reason> text = co_await reply->wait(ctx);
  said->push_back(text ? *text : "no reply");
}

TEST_F(vocabulary, completion) {
  completion<std::string> reply;
  spawn(wait_for_reply(&reply, ctx(), &said));
  reply.set("pong");
  run_ready();
  EXPECT_THAT(said, ElementsAre("pong"));
}

task<int> square_in_time(cancel_scope ctx) {
  const std::expected<int, cancel_reason> square = co_await timeout(ctx, 500ms, square_slowly(ctx, 3));
  co_return square.value_or(-1);
}

TEST_F(vocabulary, timeout) {
  std::optional<int> result;
  spawn(store(square_in_time(ctx()), &result));
  advance(500ms);
  EXPECT_EQ(result, -1);
}

async_generator<int> count_down(cancel_scope ctx, int from) {
  for (int i = from; i != 0; --i) {
    co_yield i;
    if (!co_await sleep_for(ctx, 1s)) co_return;
  }
}

task<> launch(cancel_scope ctx, std::vector<std::string>* said) {
  auto numbers = count_down(ctx, 3);
  while (const std::optional<int> n = co_await numbers.next()) said->push_back(std::to_string(*n));
  said->push_back("lift-off");
}

TEST_F(vocabulary, async_generator) {
  spawn(launch(ctx(), &said));
  EXPECT_THAT(said, ElementsAre("3"));
  for (int i = 0; i != 3; ++i) advance(1s);
  EXPECT_THAT(said, ElementsAre("3", "2", "1", "lift-off"));
}

async_generator<double, double> running_mean() {
  double sum = 0;
  double mean = 0;
  for (int n = 1;; ++n) {
    try {
      const std::optional<double> value = co_yield mean;
      sum += value.value_or(mean);
      mean = sum / n;
    } catch (const std::domain_error&) {
      n = 0;
      sum = mean = 0;
    }
  }
}

task<> measure(std::vector<double>* means) {
  auto mean = running_mean();
  co_await mean.next();                                                        // to its first co_yield
  means->push_back((co_await mean.asend(4)).value());                          // 4
  means->push_back((co_await mean.asend(8)).value());                          // 6
  means->push_back((co_await mean.athrow(std::domain_error("off"))).value());  // 0: it caught that
  co_await mean.aclose();
}

TEST_F(vocabulary, driven_async_generator) {
  std::vector<double> means;
  spawn(measure(&means));
  EXPECT_THAT(means, ElementsAre(4, 6, 0));
  EXPECT_THAT(state().errors, ElementsAre());
}

struct tree {
  int value;
  std::unique_ptr<tree> left = nullptr;
  std::unique_ptr<tree> right = nullptr;
};

generator<int> in_order(const tree* node) {
  if (node == nullptr) co_return;
  co_yield elements_of(in_order(node->left.get()));
  co_yield node->value;
  co_yield elements_of(in_order(node->right.get()));
}

int sum(const tree* root) {
  int total = 0;
  for (const int value : in_order(root)) total += value;
  return total;
}

TEST_F(vocabulary, generator) {
  const tree root{2, std::make_unique<tree>(1), std::make_unique<tree>(3)};
  EXPECT_EQ(sum(&root), 6);
  auto values = in_order(&root);
  for (const int expected : {1, 2, 3}) EXPECT_EQ(values.next(), expected);
  EXPECT_EQ(values.next(), std::nullopt);
}

task<> produce(channel<int>* numbers, cancel_scope ctx) {
  for (int i = 0; i != 3; ++i) {
    if (!co_await numbers->send(ctx, i)) co_return;
  }
  numbers->close();
}

task<> consume(channel<int>* numbers, cancel_scope ctx, std::vector<std::string>* said) {
  while (const auto n = co_await numbers->receive(ctx)) said->push_back(std::to_string(*n));
  said->push_back("end");
}

TEST_F(vocabulary, channel) {
  channel<int> numbers(1);
  spawn(consume(&numbers, ctx(), &said));
  spawn(produce(&numbers, ctx()));
  EXPECT_THAT(said, ElementsAre("0", "1", "2", "end"));
}

task<> merge(channel<int>* numbers, channel<std::string>* names, cancel_scope ctx,
             std::vector<std::string>* said) {
  while (const auto item = co_await select(ctx, *numbers, *names)) {
    said->push_back(item->index() == 0 ? std::to_string(std::get<0>(*item)) : std::get<1>(*item));
  }
}

TEST_F(vocabulary, select) {
  channel<int> numbers(4);
  channel<std::string> names(4);
  spawn(merge(&numbers, &names, ctx(), &said));
  names.try_send("a");
  run_ready();
  numbers.try_send(1);
  run_ready();
  EXPECT_THAT(said, ElementsAre("a", "1"));
  end_actor();
}

task<> fetch(semaphore* slots, cancel_scope ctx, std::vector<std::string>* said) {
  const auto permit = co_await slots->acquire(ctx);
  if (!permit) co_return;
  co_await sleep_for(ctx, 1s);
  said->push_back("fetched");
}

task<> transfer(mutex* accounts, cancel_scope ctx, std::vector<std::string>* said) {
  const auto hold = co_await accounts->lock(ctx);
  if (!hold) co_return;
  said->push_back("debit");
  co_await sleep_for(ctx, 1s);
  said->push_back("credit");
}

TEST_F(vocabulary, semaphore_and_mutex) {
  semaphore slots(2);
  for (int i = 0; i != 3; ++i) spawn(fetch(&slots, ctx(), &said));
  advance(1s);
  EXPECT_THAT(said, ElementsAre("fetched", "fetched"));
  said.clear();
  mutex accounts;
  for (int i = 0; i != 2; ++i) spawn(transfer(&accounts, ctx(), &said));
  advance(1s);
  advance(1s);
  EXPECT_THAT(said, ElementsAre("debit", "fetched", "credit", "debit", "credit"));
}

task<> serve_when_ready(event* ready, cancel_scope ctx, std::vector<std::string>* said) {
  if (!co_await ready->wait(ctx)) co_return;
  said->push_back("serving");
}

TEST_F(vocabulary, event) {
  event ready;
  for (int i = 0; i != 2; ++i) spawn(serve_when_ready(&ready, ctx(), &said));
  ready.set();
  run_ready();
  EXPECT_THAT(said, ElementsAre("serving", "serving"));
}

task<> follow(broadcast<int>* prices, cancel_scope ctx, std::vector<std::string>* said) {
  auto mine = prices->subscribe();
  for (;;) {
    const std::expected<int, broadcast_gap> price = co_await mine.next(ctx);
    if (price) {
      said->push_back(std::to_string(*price));
    } else if (price.error().why == broadcast_gap::reason::lagged) {
      said->push_back(std::to_string(price.error().missed) + " lost");
    } else {
      co_return;
    }
  }
}

TEST_F(vocabulary, broadcast) {
  broadcast<int> prices(2, slow_subscriber::lags);
  spawn(follow(&prices, ctx(), &said));
  for (const int price : {10, 11, 12}) prices.publish(price);
  run_ready();
  EXPECT_THAT(said, ElementsAre("1 lost", "11", "12"));
  end_actor();
}

}  // namespace
}  // namespace weft::coro
