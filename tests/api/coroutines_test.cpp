// The vocabulary of coroutines in methods, under the names that a program has.
#include "weft/coroutines.hpp"

#include <algorithm>
#include <vector>

#include <gmock/gmock.h>

#include "tests/api/node_here.hpp"
#include "weft/testing.hpp"

namespace weft {
namespace {

using namespace std::chrono_literals;

task<bool> produce(channel<int>* into, call_context ctx, int to) {
  for (int i = 1; i <= to; ++i) {
    if (!co_await into->send(ctx, i)) co_return false;
  }
  into->close();
  co_return true;
}

task<int> consume(channel<int>* from, call_context ctx) {
  int sum = 0;
  while (const auto each = co_await from->receive(ctx)) sum += *each;
  co_return sum;
}

task<result<int>> sum_through_a_channel(call_context ctx, int to) {
  channel<int> numbers(2);
  const auto [sent, sum] = co_await when_all(produce(&numbers, ctx, to), consume(&numbers, ctx));
  if (!sent) co_return error(1, "not all were sent");
  co_return sum;
}

task<result<void>> hang(call_context ctx) {
  (void)co_await sleep_for(ctx, 1h);
  co_return error(1, "woken");
}

task<result<std::string>> limited(call_context ctx) {
  const auto came = co_await timeout(ctx, 20ms, hang(ctx));
  if (!came) co_return std::string(to_string(came.error()));
  co_return error(1, "it has ended");
}

task<int> one_at_a_time(semaphore* slots, call_context ctx, int* under_way) {
  const auto permit = co_await slots->acquire(ctx);
  if (!permit) co_return -1;
  const int now = ++*under_way;
  (void)co_await sleep_for(ctx, 1ms);
  --*under_way;
  co_return now;
}

task<result<int>> most_at_once(call_context ctx, int tasks) {
  semaphore slots(2);
  int under_way = 0;
  std::vector<task<int>> all;
  for (int i = 0; i < tasks; ++i) all.push_back(one_at_a_time(&slots, ctx, &under_way));
  co_return std::ranges::max(co_await when_all(std::move(all)));
}

generator<int> below(int to) {
  for (int i = 0; i < to; ++i) co_yield i;
}

generator<int> twice_below(int to) {
  co_yield elements_of(below(to));
  co_yield elements_of(below(to));
}

int sum_twice(int to) {
  int sum = 0;
  for (const int each : twice_below(to)) sum += each;
  return sum;
}

service vocabulary() {
  service some("vocabulary");
  some.method("channel", sum_through_a_channel, {.params = {"to"}})
      .method("limited", limited)
      .method("most", most_at_once, {.params = {"tasks"}})
      .method("generator", sum_twice, {.params = {"to"}});
  return some;
}

TEST(coroutines, work_in_the_methods_of_a_node) {
  const auto here = start_node({vocabulary()}, "here", 3);
  EXPECT_THAT(here.call<int>("channel", 100).get(), IsOk(5050));
  EXPECT_THAT(here.call<std::string>("limited").get(), IsOk("deadline exceeded"));
  EXPECT_THAT(here.call<int>("most", 20).get(), IsOk(2));
  EXPECT_THAT(here.call<int>("generator", 10).get(), IsOk(90));
}

TEST(coroutines, work_in_the_test_kit) {
  test_mesh mesh;
  mesh.add(vocabulary());
  EXPECT_THAT(mesh.call<int>("channel", 100).get(), IsOk(5050));
  EXPECT_THAT(mesh.call<std::string>("limited").get(), IsOk("deadline exceeded"));
  EXPECT_EQ(mesh.elapsed(), 20ms);
  EXPECT_THAT(mesh.call<int>("most", 20).get(), IsOk(2));
  EXPECT_EQ(mesh.elapsed(), 30ms);
}

}  // namespace
}  // namespace weft
