// Typed streams: generators of a service, and whoever reads them.
#include "weft/stream.hpp"

#include <map>
#include <set>

#include <gmock/gmock.h>

#include "tests/api/node_here.hpp"
#include "weft/testing.hpp"

namespace weft {

struct line {
  int number;
  std::string text;
};
WEFT_FIELDS(line, number, text)

namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

/// Says how a generator has ended: its destructor is a generator's cleanup.
class farewell {
 public:
  explicit farewell(arrival<std::string>* to) noexcept : to_(to) {}
  farewell(const farewell&) = delete;
  farewell& operator=(const farewell&) = delete;
  ~farewell() { to_->put("cleaned up"); }

 private:
  arrival<std::string>* to_;
};

arrival<std::string> ended;

async_generator<line> tail(std::string file, int to) {
  if (file != "a.log") throw stream_error(404, "no file {}", file);
  const farewell cleanup(&ended);
  for (int i = 0; i < to; ++i) co_yield line{i, file + ":" + std::to_string(i)};
}

async_generator<int> count_slowly(call_context ctx, int to) {
  for (int i = 0; i < to; ++i) {
    co_yield i;
    if (!co_await sleep_for(ctx, 1ms)) co_return;
  }
}

async_generator<int> fail_behind(int items) {
  for (int i = 0; i < items; ++i) co_yield i;
  throw stream_error(409, "nothing behind {}", items);
}

async_generator<int> burst_open() {
  co_yield 1;
  throw std::runtime_error("a secret");
}

/// The sum of what has come until now.
async_generator<int, int> total() {
  int sum = 0;
  for (;;) {
    try {
      const auto sent = co_yield sum;
      if (!sent) co_return;
      sum += *sent;
    } catch (const stream_error& raised) {
      if (raised.error.code != 100) throw;
      sum = 0;
    }
  }
}

async_generator<item<std::string, int>> pages(call_context ctx, int to) {
  for (int i = ctx.after<int>().value_or(-1) + 1; i < to; ++i)
    co_yield item{ctx.node() + std::to_string(i), i};
}

task<result<int>> sum_of(call_context ctx, std::string method, int to) {
  auto numbers = ctx.mesh().stream<int>(method, to, {.window = 4});
  int sum = 0;
  while (const auto each = co_await numbers.next()) sum += *each;
  if (numbers.error()) co_return *numbers.error();
  co_return sum;
}

task<result<int>> first_of(call_context ctx) {
  auto lines = ctx.mesh().stream<line>("log.tail", "a.log", 1'000'000, {.window = 4});
  const auto first = co_await lines.next();
  co_return first ? result<int>(first->number) : result<int>(lines.error().value_or(error()));
}

service streaming() {
  service logs("log");
  logs.method("log.tail", tail, {.params = {"file", "to"}, .defaults = {{"to", 3}}})
      .method("log.count", count_slowly, {.params = {"to"}})
      .method("log.fail", fail_behind, {.params = {"items"}})
      .method("log.burst", burst_open)
      .method("log.total", total)
      .method("log.pages", pages, {.params = {"to"}, .idempotent = true, .resumable = true})
      .method("log.plain", [] { return 7; });
  return logs;
}

task<result<bool>> send_to_none(call_context ctx) {
  auto lines = ctx.mesh().stream<line, int>("log.tail", "a.log", 1'000'000, {.window = 4});
  const bool sent = co_await lines.send(1);
  while (co_await lines.next()) continue;
  if (lines.error()) co_return *lines.error();
  co_return sent;
}

service reading() {
  service some("reading");
  some.method("sum_of", sum_of, {.params = {"method", "to"}})
      .method("first_of", first_of)
      .method("send_to_none", send_to_none);
  return some;
}

std::vector<int> numbers_of(stream<int>& from) {
  std::vector<int> numbers;
  for (const int each : from) numbers.push_back(each);
  return numbers;
}

/// Served in the node that the caller is connected to, or by a client of it.
class stream_test : public testing::TestWithParam<bool> {
 protected:
  stream_test() {
    if (!GetParam()) return;
    serving.emplace(client::connect(here.listen_address(),
                                    {.name = "log", .connect_timeout = far_away, .serves = true}, streaming())
                        .value());
  }
  node here = start_node(GetParam() ? std::vector{reading()} : std::vector{streaming(), reading()});
  std::optional<client> serving;
  client caller = connect_to(here);
};

INSTANTIATE_TEST_SUITE_P(served, stream_test, testing::Values(false, true),
                         [](const auto& at) { return at.param ? "at_a_node" : "in_a_node"; });

TEST_P(stream_test, items_come_as_their_type_and_in_order) {
  auto lines = caller.stream<line>("log.tail", "a.log", 1'000, {.window = 8});
  int due = 0;
  for (const auto& each : lines) {
    ASSERT_EQ(each.number, due);
    ASSERT_EQ(each.text, "a.log:" + std::to_string(due++));
  }
  EXPECT_EQ(due, 1'000);
  EXPECT_EQ(lines.error(), std::nullopt);
  EXPECT_EQ(ended.take(), "cleaned up");
  EXPECT_EQ(lines.next().get().has_value(), false) << "after the end";
}

TEST_P(stream_test, a_method_reads_another) {
  EXPECT_THAT(caller.call<int>("sum_of", "log.count", 30).get(), IsOk(435));
  EXPECT_THAT(here.call<int>("sum_of", "log.count", 30).get(), IsOk(435));
}

task<std::vector<int>> collect(client from) {
  auto numbers = from.stream<int>("log.count", 5, {.window = 1});
  std::vector<int> all;
  while (const auto each = co_await numbers.next()) all.push_back(*each);
  co_return all;
}

TEST_P(stream_test, a_coroutine_of_a_client_reads) {
  EXPECT_THAT(caller.run(collect(caller)), ElementsAre(0, 1, 2, 3, 4));
}

TEST_P(stream_test, what_is_let_go_is_cleaned_up) {
  {
    auto lines = caller.stream<line>("log.tail", "a.log", 1'000'000, {.window = 4});
    EXPECT_EQ(lines.next().get().value().number, 0);
  }
  EXPECT_EQ(ended.take(), "cleaned up");
  EXPECT_THAT(caller.call<int>("first_of").get(), IsOk(0));
  EXPECT_EQ(ended.take(), "cleaned up");
}

TEST_P(stream_test, an_error_of_the_generator_is_the_end) {
  auto numbers = caller.stream<int>("log.fail", 2);
  EXPECT_THAT(numbers_of(numbers), ElementsAre(0, 1));
  ASSERT_TRUE(numbers.error());
  EXPECT_EQ(numbers.error()->code, 409);
  EXPECT_EQ(numbers.error()->message, "nothing behind 2");
  auto none = caller.stream<line>("log.tail", "b.log");
  EXPECT_EQ(none.next().get().has_value(), false);
  EXPECT_EQ(none.error().value().code, 404);
  EXPECT_THAT(caller.call<int>("sum_of", "log.fail", 2).get(), HasCode(409));
}

TEST_P(stream_test, what_it_throws_else_stays_in_the_log) {
  auto numbers = caller.stream<int>("log.burst");
  EXPECT_THAT(numbers_of(numbers), ElementsAre(1));
  EXPECT_EQ(numbers.error().value().code, -32603);
  EXPECT_THAT(numbers.error()->message, testing::Not(HasSubstr("secret")));
}

TEST_P(stream_test, arguments_and_items_are_checked) {
  auto wrong = caller.stream<line>("log.tail", 7);
  EXPECT_EQ(wrong.next().get().has_value(), false);
  EXPECT_EQ(wrong.error().value().code, -32602);
  EXPECT_THAT(wrong.error()->message, HasSubstr("'file' is a string"));
  auto mistaken = caller.stream<int>("log.tail", "a.log");
  EXPECT_EQ(mistaken.next().get().has_value(), false);
  EXPECT_THAT(mistaken.error().value().message, HasSubstr("an item of the stream is an integer"));
  EXPECT_EQ(ended.take(), "cleaned up");
  auto plain = caller.stream<int>("log.plain");
  EXPECT_EQ(plain.next().get().has_value(), false);
  EXPECT_THAT(plain.error().value().message, HasSubstr("'log.plain' does not stream"));
}

TEST_P(stream_test, a_plain_call_gets_all_items) {
  const auto lines = caller.call<std::vector<line>>("log.tail", "a.log").get().value();
  ASSERT_EQ(lines.size(), 3);
  EXPECT_EQ(lines[2].text, "a.log:2");
  EXPECT_EQ(ended.take(), "cleaned up");
}

TEST_P(stream_test, values_go_into_the_generator) {
  auto sums = caller.stream<int, int>("log.total");
  EXPECT_EQ(sums.next().get(), 0);
  for (int i = 1; i <= 100; ++i) {
    ASSERT_TRUE(sums.send(i).get());
    ASSERT_EQ(sums.next().get(), i * (i + 1) / 2);
  }
  sums.raise(error(100, "begin again"));
  EXPECT_EQ(sums.next().get(), 0);
  sums.end_input();
  EXPECT_EQ(sums.next().get(), std::nullopt);
  EXPECT_EQ(sums.error(), std::nullopt);
  EXPECT_FALSE(sums.send(1).get());
  auto raised = caller.stream<int, int>("log.total");
  EXPECT_EQ(raised.next().get(), 0);
  raised.raise(error(101, "enough"));
  EXPECT_EQ(raised.next().get(), std::nullopt);
  EXPECT_EQ(raised.error().value().message, "enough");
}

TEST_P(stream_test, a_value_of_another_type_is_refused) {
  auto sums = caller.stream<int, std::string>("log.total");
  EXPECT_EQ(sums.next().get(), 0);
  EXPECT_TRUE(sums.send("one").get());
  EXPECT_EQ(sums.next().get(), std::nullopt);
  EXPECT_EQ(sums.error().value().code, -32602);
  EXPECT_THAT(sums.error()->message, HasSubstr("what is sent is an integer"));
}

TEST_P(stream_test, a_stream_goes_on_behind_a_cursor) {
  auto rest = caller.stream<std::string>("log.pages", 5, {.after = 3});
  EXPECT_THAT(rest.next().get().value(), HasSubstr("4"));
  EXPECT_EQ(rest.next().get(), std::nullopt);
  auto wrong = caller.stream<std::string>("log.pages", 5, {.after = "four"});
  EXPECT_EQ(wrong.next().get(), std::nullopt);
  EXPECT_THAT(wrong.error().value().message, HasSubstr("the cursor to go on after is an integer"));
  auto anew = caller.stream<int>("log.count", 5, {.after = 3});
  EXPECT_EQ(anew.next().get(), std::nullopt);
  EXPECT_EQ(anew.error().value().code, -32602);
  EXPECT_THAT(anew.error().value().message, HasSubstr("log.count: it cannot go on behind a cursor"));
}

TEST_P(stream_test, a_reader_whose_connection_is_lost_goes_on_behind_its_last_item) {
  auto pages = caller.stream<std::string>("log.pages", 6, {.window = 2});
  EXPECT_TRUE(pages.cursor().is_null());
  for (int i = 0; i < 3; ++i) {
    EXPECT_THAT(pages.next().get().value(), HasSubstr(std::to_string(i)));
    EXPECT_EQ(pages.cursor(), i);
  }
  caller.close();
  while (pages.next().get()) continue;
  EXPECT_EQ(pages.error().value().code, 14);
  const int last = pages.cursor().get<int>();
  EXPECT_LT(last, 5) << "the window holds some back";
  const auto again = connect_to(here);
  auto rest = again.stream<item<std::string, int>>("log.pages", 6, {.after = pages.cursor()});
  for (int i = last + 1; i < 6; ++i) {
    const auto page = rest.next().get();
    ASSERT_TRUE(page) << fmt::format("{}", rest.error().value_or(error()));
    EXPECT_EQ(page->cursor, i);
    EXPECT_THAT(page->value, HasSubstr(std::to_string(i)));
  }
  EXPECT_EQ(rest.next().get().has_value(), false);
  EXPECT_EQ(rest.error(), std::nullopt);
  EXPECT_EQ(rest.cursor(), 5);
}

TEST_P(stream_test, items_without_cursors_have_none) {
  auto lines = caller.stream<line>("log.tail", "a.log", 1);
  EXPECT_TRUE(lines.next().get());
  EXPECT_TRUE(lines.cursor().is_null());
  EXPECT_EQ(ended.take(), "cleaned up");
  auto wrong = caller.stream<item<line, int>>("log.tail", "a.log", 1);
  EXPECT_EQ(wrong.next().get().has_value(), false);
  EXPECT_THAT(wrong.error().value().message, HasSubstr("the cursor of an item is an integer"));
  EXPECT_EQ(ended.take(), "cleaned up");
}

TEST_P(stream_test, a_value_for_a_method_that_takes_none_ends_the_stream) {
  auto lines = caller.stream<line, int>("log.tail", "a.log", 1'000'000, {.window = 4});
  EXPECT_FALSE(lines.send(1).get()) << "before any item was taken";
  while (lines.next().get()) continue;
  EXPECT_EQ(lines.error().value().code, -32602);
  EXPECT_THAT(lines.error()->message, HasSubstr("the method takes no values"));
  EXPECT_EQ(ended.take(), "cleaned up");
  const auto inside = here.call<bool>("send_to_none").get();
  ASSERT_FALSE(inside);
  EXPECT_THAT(inside.error().message, HasSubstr("the method takes no values"));
  EXPECT_EQ(ended.take(), "cleaned up");
  auto plain = caller.stream<int, int>("log.plain");
  EXPECT_FALSE(plain.send(1).get()) << "it has ended with one result";
}

TEST_P(stream_test, a_deadline_holds_for_all_of_it) {
  auto numbers = caller.stream<int>("log.count", 1'000'000, {.deadline = 300ms});
  EXPECT_FALSE(numbers_of(numbers).empty());
  EXPECT_EQ(numbers.error().value().code, 4);
}

TEST_P(stream_test, the_types_are_in_its_description) {
  const auto methods = caller.call("rpc.discover").get().value()["methods"];
  const auto found =
      std::ranges::find_if(methods, [](const json& each) { return each["name"] == "log.tail"; });
  ASSERT_NE(found, methods.end());
  EXPECT_EQ((*found)["x-stream"]["item"]["properties"]["number"]["type"], "integer") << found->dump();
}

TEST_P(stream_test, the_end_of_the_client_ends_its_streams) {
  auto lines = caller.stream<line>("log.tail", "a.log", 1'000'000, {.window = 4});
  EXPECT_TRUE(lines.next().get());
  caller.close();
  while (lines.next().get()) continue;
  EXPECT_EQ(lines.error().value().code, 14);
  EXPECT_EQ(ended.take(), "cleaned up");
}

TEST(resumed_stream, goes_on_at_another_instance) {
  const auto here = start_node({});
  std::map<std::string, client> instances;
  for (const std::string name : {"a-", "b-"}) {
    instances.emplace(
        name, client::connect(here.listen_address(),
                              {.name = name, .instance = name, .connect_timeout = far_away, .serves = true},
                              streaming())
                  .value());
  }
  const auto caller = connect_to(here);
  auto texts = caller.stream<std::string>("log.pages", 20, {.window = 2});
  const auto first = texts.next().get().value();
  const auto serving = first.substr(0, 2);
  EXPECT_EQ(first, serving + "0");
  instances.at(serving).close();
  std::vector<std::string> numbers;
  std::set<std::string> by;
  for (const auto& each : texts) {
    by.insert(each.substr(0, 2));
    numbers.push_back(each.substr(2));
  }
  EXPECT_EQ(texts.error(), std::nullopt);
  ASSERT_EQ(numbers.size(), 19);
  for (std::size_t i = 0; i < numbers.size(); ++i) EXPECT_EQ(numbers[i], std::to_string(i + 1));
  EXPECT_TRUE(by.contains(serving == "a-" ? "b-" : "a-"));
}

TEST(declared_stream, resumable_needs_cursors) {
  service some("some");
  EXPECT_THROW(some.method("a", fail_behind, {.params = {"items"}, .resumable = true}),
               std::invalid_argument);
  EXPECT_THROW(some.method("b", total, {.blocking = true}), std::invalid_argument);
}

TEST(stream_in_a_test, is_read_under_its_clock) {
  test_mesh mesh;
  mesh.add(streaming()).add(reading());
  auto numbers = mesh.stream<int>("log.count", 1'000, {.window = 2});
  EXPECT_EQ(numbers_of(numbers).size(), 1'000);
  EXPECT_EQ(mesh.elapsed(), 1'000ms);
  EXPECT_THAT(mesh.call<int>("sum_of", "log.count", 30).get(), IsOk(435));
  EXPECT_EQ(mesh.call<std::vector<line>>("log.tail", "a.log").get().value().size(), 3);
  EXPECT_EQ(ended.take(), "cleaned up");
  EXPECT_THAT(mesh.call<int>("sum_of", "log.fail", 2).get(), HasCode(409));
  mesh.fail("log.count", error(14, "away"));
  auto failed = mesh.stream<int>("log.count", 3);
  EXPECT_EQ(failed.next().get(), std::nullopt);
  EXPECT_EQ(failed.error().value().code, 14);
  auto refused = mesh.stream<int, int>("log.count", 3);
  EXPECT_FALSE(refused.send(1).get());
  EXPECT_EQ(refused.error(), std::nullopt) << "it is told when it is read";
  while (refused.next().get()) continue;
  EXPECT_EQ(refused.error().value().code, -32602);
  auto pages = mesh.stream<std::string>("log.pages", 3);
  EXPECT_TRUE(pages.next().get());
  EXPECT_EQ(pages.cursor(), 0);
  auto anew = mesh.stream<int>("log.count", 3, {.after = 1});
  EXPECT_EQ(anew.next().get(), std::nullopt);
  EXPECT_EQ(anew.error().value().code, -32602);
  auto sums = mesh.stream<int, int>("log.total");
  EXPECT_EQ(sums.next().get(), 0);
  EXPECT_TRUE(sums.send(3).get());
  EXPECT_EQ(sums.next().get(), 3);
  {
    auto lines = mesh.stream<line>("log.tail", "a.log", 1'000'000);
    EXPECT_TRUE(lines.next().get());
  }
  mesh.advance(0ms);
  EXPECT_EQ(ended.take(), "cleaned up");
}

}  // namespace
}  // namespace weft
