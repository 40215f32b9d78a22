// Typed methods: what reaches a function, what is refused and how, and what a node tells of them.
#include <map>
#include <stdexcept>
#include <thread>
#include <tuple>

#include <gmock/gmock.h>

#include "tests/api/node_here.hpp"

namespace shop {

struct address {
  std::string street;
  std::optional<std::string> town;
};
WEFT_FIELDS(address, street, town)

struct customer {
  int id = 0;
  std::string name;
  std::vector<address> addresses;
};
WEFT_FIELDS(customer, id, name, addresses)

}  // namespace shop

namespace weft {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;

task<result<shop::customer>> get(call_context, int id) {
  if (id != 1) co_return error(404, "no customer {}", id);
  co_return shop::customer{1, "Ada", {{"Main Street", "Turin"}, {"Elm Street", std::nullopt}}};
}

std::string greet(std::string name, std::optional<std::string> title, int times) {
  std::string text;
  for (int i = 0; i < times; ++i) text += (title ? *title + " " : "") + name + "!";
  return text;
}

result<double> divide(double a, double b) {
  if (b == 0) return error(1001, "division by zero");
  return a / b;
}

int count_all(std::map<std::string, std::vector<std::uint8_t>> numbers) {
  int sum = 0;
  for (const auto& [name, list] : numbers) {
    for (const auto each : list) sum += each;
  }
  return sum;
}

std::string town_of(shop::customer of) {
  return of.addresses.at(0).town.value_or("nowhere");
}

void do_nothing() {}

task<void> wait_a_little(call_context ctx) {
  (void)co_await sleep_for(ctx, 1ms);
}

std::string thread_kind() {
  std::this_thread::sleep_for(1ms);
  return "slept";
}

[[noreturn]] void explode() {
  throw std::runtime_error("a secret");
}

service everything() {
  service all("all");
  all.method("customers.get", get, {.params = {"id"}, .summary = "One customer", .idempotent = true})
      .method("greet", greet, {.params = {"name", "title", "times"}, .defaults = {{"times", 1}}})
      .method("divide", divide, {.params = {"a", "b"}})
      .method("count", count_all, {.params = {"numbers"}})
      .method("town", town_of)
      .method("nothing", do_nothing)
      .method("wait", wait_a_little)
      .method("block", thread_kind, {.blocking = true})
      .method("explode", explode)
      .method("twice", [factor = 2](int number) { return factor * number; }, {.params = {"number"}});
  return all;
}

class service_test : public testing::Test {
 protected:
  /// The message of the error that the call ends with.
  template <class... Args>
  std::string refusal(std::string method, const Args&... args) {
    const auto answer = caller.call(std::move(method), args...).get();
    if (answer) return "no error";
    EXPECT_EQ(answer.error().code, -32602) << fmt::format("{}", answer.error());
    EXPECT_EQ(answer.error().executed, executed::no);
    return answer.error().message;
  }

  node here = start_node({everything()});
  client caller = connect_to(here);
};

TEST_F(service_test, arguments_come_by_position_and_by_name) {
  EXPECT_THAT(caller.call<std::string>("greet", "Ada", "Dr.", 2).get(), IsOk("Dr. Ada!Dr. Ada!"));
  EXPECT_THAT(caller.call<std::string>("greet", named({{"times", 1}, {"name", "Ada"}})).get(), IsOk("Ada!"));
  EXPECT_THAT(caller.call<int>("twice", named{{"number", 21}}, {.deadline = 20s}).get(), IsOk(42));
  EXPECT_THAT(caller.call<std::string>("greet", named{{"name", "Ada"}, {"title", "Dr."}}).get(),
              IsOk("Dr. Ada!"));
  EXPECT_THAT(caller.call<std::string>("greet", json{{"name", "Ada"}, {"title", "Dr."}}).get(),
              IsOk("Dr. Ada!"));
  EXPECT_THAT(caller.call<std::string>("greet", "Ada").get(), IsOk("Ada!"));
  EXPECT_THAT(caller.call<int>("twice", 21).get(), IsOk(42));
}

TEST_F(service_test, structs_lists_and_maps_go_both_ways) {
  const auto ada = caller.call<shop::customer>("customers.get", 1).get().value();
  EXPECT_EQ(ada.name, "Ada");
  ASSERT_EQ(ada.addresses.size(), 2);
  EXPECT_EQ(ada.addresses[0].town, "Turin");
  EXPECT_EQ(ada.addresses[1].town, std::nullopt);
  EXPECT_THAT(caller.call<std::string>("town", json(ada)).get(), IsOk("Turin"));
  const json numbers = {{"numbers", {{"a", {1, 2}}, {"b", {250}}}}};
  EXPECT_THAT(caller.call<int>("count", numbers).get(), IsOk(253));
}

TEST_F(service_test, an_error_of_the_service_is_its_own) {
  const auto nobody = caller.call<shop::customer>("customers.get", 7).get();
  ASSERT_FALSE(nobody);
  EXPECT_THAT(nobody, HasCode(404));
  EXPECT_EQ(nobody.error().message, "no customer 7");
  EXPECT_EQ(fmt::format("{}", nobody.error()), "no customer 7 (code 404)");
  EXPECT_THAT(caller.call<double>("divide", 1, 0).get(), HasCode(1001));
  EXPECT_THAT(caller.call<double>("divide", 1, 4).get(), IsOk(0.25));
}

TEST_F(service_test, every_kind_of_function_is_a_method) {
  EXPECT_TRUE(caller.call<void>("nothing").get());
  EXPECT_TRUE(caller.call<void>("wait").get());
  EXPECT_THAT(caller.call<std::string>("block").get(), IsOk("slept"));
}

TEST_F(service_test, what_a_function_throws_stays_in_the_log) {
  const auto answer = caller.call<void>("explode").get();
  ASSERT_FALSE(answer);
  EXPECT_THAT(answer, HasCode(-32603));
  EXPECT_THAT(answer.error().message, testing::Not(HasSubstr("secret")));
}

TEST_F(service_test, a_wrong_argument_is_named_with_what_came_and_what_is_right) {
  EXPECT_EQ(refusal("customers.get", "one"), "customers.get: 'id' is an integer of 32 bits, not \"one\"");
  EXPECT_EQ(refusal("customers.get", 1.5), "customers.get: 'id' is an integer of 32 bits, not 1.5");
  EXPECT_EQ(refusal("customers.get", std::int64_t{1} << 40),
            "customers.get: 'id' is an integer of 32 bits, not 1099511627776");
  EXPECT_EQ(refusal("customers.get", json(nullptr)),
            "customers.get: 'id' is an integer of 32 bits, not null");
  EXPECT_EQ(refusal("greet", "Ada", 5), "greet: 'title' is a string, not 5");
}

TEST_F(service_test, a_missing_or_unknown_argument_is_told_with_all_of_them) {
  EXPECT_EQ(
      refusal("customers.get"),
      "customers.get: 'id' is missing, an integer of 32 bits; it takes {\"id\": an integer of 32 bits}, "
      "or the same in an array");
  EXPECT_THAT(refusal("greet", named({{"nmae", "Ada"}})),
              AllOf(HasSubstr("'nmae' is no parameter of it"), HasSubstr("\"title\"?: a string")));
  EXPECT_THAT(refusal("customers.get", 1, 2), HasSubstr("2 params came"));
  EXPECT_THAT(refusal("nothing", 1), HasSubstr("it takes no params"));
}

TEST_F(service_test, a_wrong_value_deep_inside_is_found) {
  const json of = {{"id", 1}, {"name", "Ada"}, {"addresses", json::array({{{"street", 5}}})}};
  EXPECT_EQ(refusal("town", of), "town: 'addresses[0].street' is a string, not 5");
  EXPECT_EQ(refusal("town", json{{"id", 1}}), "town: 'name' is missing; it is a string");
  EXPECT_EQ(refusal("count", json{{"numbers", {{"a", {1, 256}}}}}),
            "count: 'numbers.a[1]' is an integer from 0 to 255, not 256");
}

TEST_F(service_test, a_result_of_another_type_is_an_error) {
  const auto answer = caller.call<int>("greet", "Ada").get();
  ASSERT_FALSE(answer);
  EXPECT_THAT(answer, HasCode(-32603));
  EXPECT_EQ(answer.error().message, "the result is an integer of 32 bits, not \"Ada!\"");
}

TEST_F(service_test, the_node_describes_them) {
  const auto document = caller.call("rpc.discover").get().value();
  json found;
  for (const auto& each : document["methods"]) {
    if (each["name"] == "customers.get") found = each;
  }
  EXPECT_EQ(found["summary"], "One customer");
  EXPECT_EQ(found["params"][0]["name"], "id");
  EXPECT_EQ(found["params"][0]["required"], true);
  EXPECT_EQ(found["params"][0]["schema"]["type"], "integer");
  const auto& schema = found["result"]["schema"];
  EXPECT_EQ(schema["properties"]["addresses"]["items"]["required"], json::array({"street"}));
}

TEST(tuples, are_arrays_of_as_many) {
  using place = std::tuple<double, std::optional<std::string>>;
  const auto read = detail::read<place>(json::array({1, nullptr}));
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, place(1.0, std::nullopt));
  EXPECT_EQ(detail::write(place(2.5, "x")), json::array({2.5, "x"}));
  EXPECT_EQ(detail::read<place>(json::array({1, 2})).error().text("it"), "'[1]' is a string, not 2");
  EXPECT_EQ(detail::read<place>(json::array({1})).error().text("it"), "it is an array of 2, not [1]");
  EXPECT_EQ(
      detail::schema<place>(),
      (json{{"type", "array"},
            {"prefixItems", {{{"type", "number"}}, {{"anyOf", {{{"type", "string"}}, {{"type", "null"}}}}}}},
            {"minItems", 2},
            {"maxItems", 2}}));
}

TEST(service_registration, what_can_never_work_is_thrown) {
  const auto refused = [](auto function, method_options options) -> std::string {
    service some("some");
    try {
      some.method("m", function, std::move(options));
    } catch (const std::invalid_argument& e) {
      return e.what();
    }
    return {};
  };
  EXPECT_EQ(refused(divide, {.params = {"a"}}),
            "method 'm': its function takes 2 arguments, and .params names 1");
  EXPECT_THAT(refused(divide, {.params = {"a", "a"}}), HasSubstr("a name of its own"));
  EXPECT_THAT(refused(divide, {.params = {"a", "b"}, .defaults = {{"c", 1}}}), HasSubstr("'c'"));
  EXPECT_EQ(refused(divide, {.params = {"a", "b"}, .defaults = {{"b", "s"}}}),
            "method 'm': .defaults: 'b' is a number, not \"s\"");
  EXPECT_EQ(refused(greet, {.params = {"name", "title", "times"}, .defaults = {{"title", 5}}}),
            "method 'm': .defaults: 'title' is a string, not 5");
  EXPECT_EQ(refused(count_all, {.params = {"numbers"}, .defaults = {{"numbers", {{"a", {1, 256}}}}}}),
            "method 'm': .defaults: 'numbers.a[1]' is an integer from 0 to 255, not 256");
  EXPECT_EQ(refused(greet, {.params = {"name", "title", "times"}, .defaults = {{"title", nullptr}}}), "");
  EXPECT_THAT(refused(wait_a_little, {.blocking = true}), HasSubstr(".blocking"));
  EXPECT_THROW(service("s").method("mesh.m", do_nothing), std::invalid_argument);
  EXPECT_THROW(service("s").method("m", do_nothing).method("m", do_nothing), std::invalid_argument);
}

TEST(service_spawn, a_background_task_runs_and_ends_with_the_service) {
  static arrival<std::string> told;
  struct farewell {
    ~farewell() { told.put("ended"); }
  };
  service some("some");
  some.spawn([](arrival<std::string>* to) -> task<void> {
    const farewell at_the_end;
    to->put("began");
    co_await std::suspend_always{};
  }(&told));
  {
    const auto here = start_node({some});
    EXPECT_EQ(told.take(), "began");
  }
  EXPECT_EQ(told.take(), "ended");
}

TEST(service_spawn, a_task_that_fails_is_logged_and_counted) {
  kept_log log;
  service some("some");
  some.method("nothing", do_nothing);
  some.spawn([]() -> task<result<int>> { co_return error(1, "gone {}", "wrong"); }());
  {
    auto here = node::start({.listen = "127.0.0.1:0", .reactors = 1, .log = log.logger()}, {some}).value();
    some.spawn([]() -> task<void> {
      throw std::runtime_error("thrown");
      co_return;
    }());
    // Behind both on the one reactor.
    EXPECT_TRUE(here.call<void>("nothing").get());
    EXPECT_EQ(here.count("weft_task_failures_total"), 2);
  }
  EXPECT_THAT(log.text(), AllOf(HasSubstr("gone wrong (code 1)"), HasSubstr("thrown")));
}

}  // namespace
}  // namespace weft
