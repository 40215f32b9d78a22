// The test kit, used as a user does.
#include "weft/testing.hpp"

#include <ranges>
#include <stdexcept>

namespace weft {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

result<int> price(std::string item) {
  if (item.empty()) return error(404, "no such item");
  return static_cast<int>(item.size());
}

task<result<int>> total(call_context ctx, std::vector<std::string> items) {
  const auto mesh = ctx.within(1s).mesh();
  const auto prices = co_await when_all(
      items | std::views::transform([&](const std::string& item) { return mesh.call<int>("price", item); }));
  int sum = 0;
  for (const auto& each : prices) {
    if (!each) co_return each.error();
    sum += *each;
  }
  co_return sum;
}

task<result<std::string>> slow(call_context ctx, int seconds) {
  const auto slept = co_await sleep_for(ctx, std::chrono::seconds(seconds));
  if (!slept) co_return error(1, "woken: {}", to_string(slept.error()));
  co_return "done";
}

[[noreturn]] void explode() {
  throw std::runtime_error("boom");
}

class test_kit : public testing::Test {
 protected:
  test_kit() {
    shop.method("price", price, {.params = {"item"}})
        .method("total", total, {.params = {"items"}})
        .method("slow", slow, {.params = {"seconds"}})
        .method("explode", explode);
    mesh.add(shop);
  }

  service shop{"shop"};
  test_mesh mesh;
};

TEST_F(test_kit, methods_answer_in_one_thread) {
  EXPECT_THAT(mesh.call<int>("price", "tea").get(), IsOk(3));
  EXPECT_THAT(mesh.call<int>("total", std::vector<std::string>{"tea", "milk"}).get(), IsOk(7));
  EXPECT_EQ(mesh.calls_of("price"), 3);
  EXPECT_EQ(mesh.elapsed(), 0ms);
}

TEST_F(test_kit, errors_are_those_of_a_node) {
  EXPECT_THAT(mesh.call<int>("price", "").get(), HasCode(404));
  EXPECT_THAT(mesh.call<int>("price", 5).get(), HasCode(error_code::invalid_params));
  EXPECT_THAT(mesh.call<int>("nothing").get(), HasCode(error_code::method_not_found));
  EXPECT_THAT(mesh.call<int>("explode").get(), HasCode(error_code::internal_error));
  EXPECT_THAT(mesh.failures(), ElementsAre(HasSubstr("boom")));
}

TEST_F(test_kit, time_passes_only_when_it_is_told_to) {
  auto call = mesh.call<std::string>("slow", 5);
  EXPECT_FALSE(call.ready());
  mesh.advance(4'999ms);
  EXPECT_FALSE(call.ready());
  mesh.advance(1ms);
  EXPECT_TRUE(call.ready());
  EXPECT_THAT(call.get(), IsOk("done"));
  EXPECT_THAT(mesh.call<std::string>("slow", 20).get(), IsOk("done"));
  EXPECT_EQ(mesh.elapsed(), 25s);
}

TEST_F(test_kit, deadlines_and_cancellations_reach_the_method) {
  auto late = mesh.call<std::string>("slow", 5, {.deadline = 200ms});
  mesh.advance(200ms);
  EXPECT_THAT(late.get(), HasCode(4));
  auto taken_back = mesh.call<std::string>("slow", 5);
  taken_back.cancel();
  EXPECT_THAT(taken_back.get(), HasCode(-32800));
  auto lost = mesh.call<std::string>("slow", 5);
  mesh.disconnect_caller();
  EXPECT_TRUE(lost.ready());
  EXPECT_THAT(lost.get(), HasCode(-32800));
  EXPECT_EQ(mesh.elapsed(), 200ms);
}

TEST_F(test_kit, a_call_fails_is_late_or_is_lost_as_the_test_says) {
  mesh.fail("price", error(error_code::unavailable, "away"));
  EXPECT_THAT(mesh.call<int>("total", std::vector<std::string>{"tea", "milk"}).get(), HasCode(14));
  mesh.delay("price", 300ms);
  EXPECT_THAT(mesh.call<int>("price", "tea").get(), IsOk(3));
  EXPECT_EQ(mesh.elapsed(), 300ms);
  mesh.drop("price");
  EXPECT_THAT(mesh.call<int>("total", std::vector<std::string>{"tea"}).get(), HasCode(4));
  EXPECT_EQ(mesh.elapsed(), 1'300ms);
  EXPECT_THAT(mesh.call<int>("price", "tea").get(), IsOk(3));
}

TEST(test_kit_callers, services_call_and_notify_the_outside_caller) {
  std::vector<std::string> heard;
  std::vector<caller> kept;
  service topics("topics");
  topics.method("watch", [&](call_context ctx) -> std::string {
    kept.push_back(ctx.caller());
    return "ok";
  });
  service client("client");
  client.method("event", [&](std::string what) { heard.push_back(what); }, {.params = {"what"}});
  test_mesh mesh;
  mesh.add(topics).add_to_caller(client);
  EXPECT_THAT(mesh.call<std::string>("watch").get(), IsOk("ok"));
  ASSERT_EQ(kept.size(), 1);
  kept[0].notify("event", "one");
  EXPECT_TRUE(kept[0].connected());
  mesh.disconnect_caller();
  EXPECT_FALSE(kept[0].connected());
  kept[0].notify("event", "two");
  EXPECT_THAT(heard, ElementsAre("one"));
}

async_generator<int> count(int to) {
  for (int i = 0; i < to; ++i) co_yield i;
}

task<std::string> tell(call_context ctx, std::string what) {
  ctx.mesh().notify("note", what);
  co_return "told";
}

TEST(test_kit_callers, services_read_streams_of_the_outside_caller) {
  std::vector<caller> kept;
  service topics("topics");
  topics.method("watch", [&](call_context ctx) -> std::string {
    kept.push_back(ctx.caller());
    return "ok";
  });
  service client("client");
  client.method("count", count, {.params = {"to"}});
  test_mesh mesh;
  mesh.add(topics).add_to_caller(client);
  EXPECT_THAT(mesh.call<std::string>("watch").get(), IsOk("ok"));
  ASSERT_EQ(kept.size(), 1);
  std::vector<int> numbers;
  auto counted = kept[0].stream<int>("count", 4, {.window = 1});
  for (const int each : counted) numbers.push_back(each);
  EXPECT_THAT(numbers, ElementsAre(0, 1, 2, 3));
  mesh.disconnect_caller();
  auto late = kept[0].stream<int>("count", 4);
  EXPECT_EQ(late.next().get(), std::nullopt);
  EXPECT_EQ(late.error().value().code, 14);
}

TEST(test_kit_callers, services_notify_each_other) {
  std::vector<std::string> heard;
  service notes("notes");
  notes.method("note", [&](std::string what) { heard.push_back(what); }, {.params = {"what"}})
      .method("tell", tell, {.params = {"what"}});
  test_mesh mesh;
  mesh.add(notes);
  EXPECT_THAT(mesh.call<std::string>("tell", "one").get(), IsOk("told"));
  EXPECT_THAT(heard, ElementsAre("one"));
}

task<void> tick(std::vector<int>* ticks) {
  for (int i = 1;; ++i) {
    (void)co_await sleep_for(1s);
    ticks->push_back(i);
    if (i == 3) throw std::runtime_error("enough");
  }
}

TEST(test_kit_tasks, background_tasks_run_by_the_clock) {
  std::vector<int> ticks;
  service clock("clock");
  clock.spawn(tick(&ticks));
  test_mesh mesh;
  mesh.add(clock);
  mesh.advance(2'500ms);
  EXPECT_THAT(ticks, ElementsAre(1, 2));
  mesh.advance(10s);
  EXPECT_THAT(ticks, ElementsAre(1, 2, 3));
  EXPECT_THAT(mesh.failures(), ElementsAre("enough"));
}

task<void> spawn_another(service some, std::vector<int>* ticks) {
  ticks->push_back(0);
  some.spawn(tick(ticks));
  co_return;
}

TEST(test_kit_tasks, a_task_spawns_another) {
  std::vector<int> ticks;
  service clock("clock");
  test_mesh mesh;
  mesh.add(clock);
  clock.spawn(spawn_another(clock, &ticks));
  mesh.advance(1s);
  EXPECT_THAT(ticks, ElementsAre(0, 1));
}

TEST(test_kit_matchers, say_what_was_there_instead) {
  testing::StringMatchResultListener told;
  EXPECT_FALSE(testing::ExplainMatchResult(IsOk(1), result<int>(error(7, "lost")), &told));
  EXPECT_THAT(told.str(), HasSubstr("lost (code 7"));
  EXPECT_FALSE(testing::Matches(HasCode(7))(result<int>(1)));
  EXPECT_TRUE(testing::Matches(HasCode(7))(result<int>(error(7, "lost"))));
}

}  // namespace
}  // namespace weft
