// Calls a mesh through the client that `weft gen cpp` has made.   caller HOST:PORT
#include <chrono>
#include <variant>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <weft/testing.hpp>
#include <weft/weft.hpp>

#include "made.hpp"

using namespace std::chrono_literals;

namespace {

/// One of the values that the stream takes.
[[maybe_unused]] bool walk(const mesh::client<>& api) {
  auto steps = api.shop.watch.steps();
  return steps.send(mesh::step::back).get();
}

/// Through a handler's context the same client calls.
weft::task<weft::result<double>> twice(weft::call_context ctx, double side) {
  const mesh::client api(ctx.mesh());
  auto one = co_await api.shop.area({.shape = mesh::square{.kind = mesh::square_kind::square, .side = side}});
  if (!one) co_return one.error();
  co_return 2 * *one;
}

double in_a_test_mesh() {
  weft::service shop("shop");
  shop.method("shop.area", [](nlohmann::json shape) { return shape["side"].get<double>(); },
              {.params = {"shape"}});
  shop.method("shop.twice", twice, {.params = {"side"}});
  weft::test_mesh mesh;
  mesh.add(shop);
  return mesh.call<double>("shop.twice", 21.0).get().value_or(-1);
}

}  // namespace

int main(int, char** argv) {
  const auto node = weft::client::connect(argv[1], {.name = "caller"});
  if (!node) {
    fmt::print(stderr, "{}\n", node.error());
    return 2;
  }
  const mesh::client api(*node);
  const mesh::product found = api.shop.find({.id = 7}, {.deadline = 20s}).get().value();
  fmt::print("{} {} {} {}\n", found.name, found.class_ == mesh::grade::used, found.unit_price.value(),
             (*found.category->parent)->name);
  fmt::print("{}\n", api.shop.find({.id = 8, .class_ = mesh::shop_find_class::new_}).get()->class_ ==
                         mesh::grade::new_);
  const auto two = api.shop.list({.limit = 2}).get().value();
  fmt::print("{} {}\n", api.shop.list().get()->size(), two.back().id);
  fmt::print("{}\n", api.shop.add({.product = {.id = 1, .name = "x", .unit_price = {}}}).get().value());
  fmt::print("{}\n",
             api.shop.paint({.colour = mesh::colour::dark_green}).get().value() == mesh::colour::dark_green);
  const mesh::circle round{.kind = mesh::circle_kind::circle, .radius = 2};
  const mesh::square edged{.kind = mesh::square_kind::square, .side = 3};
  fmt::print("{} {}\n", api.shop.area({.shape = round}).get().value(),
             api.shop.area({.shape = edged}).get().value());
  const mesh::tree tree =
      api.shop.tree({.tree = {.children = {}, .value = mesh::tree_value(1)}}).get().value();
  fmt::print("{} {}\n", std::get<std::string>(*tree.value),
             std::get<std::int64_t>(*tree.children.at(0).value));
  fmt::print("{}\n",
             api.shop.class_({.from = "a", .list = "b", .self = "c", .my_name = "d", .my_name_2 = "e"})
                 .get()
                 .value());
  fmt::print("{}\n", api.shop.m2_for_1().get().value() + 10 * api.shop.m2_for_1_2().get().value());
  fmt::print("{}\n", api.shop.clear().get().has_value());
  fmt::print("{}\n", api.shop.anything(weft::named({{"a", {1}}})).get()->dump());
  const mesh::route route = api.shop.locate({.from = {1, "a"}}).get().value();
  const auto& [x, name] = route.at;
  const auto& [count, rest] = route.next;
  fmt::print("{} {} {} {}\n", x, name, count, std::get<0>((*rest)->next));
  auto prices = api.shop.watch.prices({.id = 9}, {.window = 4});
  for (const double price : prices) fmt::print("{} ", price);
  fmt::print("{}\n", !prices.error());
  auto counted = api.demo.count({.to = 1'000'000});
  for (const auto number : counted) {
    if (number != 3) continue;
    fmt::print("{}\n", number);
    break;
  }
  auto totals = api.demo.total({.window = 1});
  fmt::print("{}", totals.next().get().value());
  for (const double each : {2.5, 4.0}) {
    if (totals.send(each).get()) fmt::print(" {}", totals.next().get().value());
  }
  fmt::print("\n{}\n", api.demo.sleep({.ms = 60'000}, {.deadline = 50ms}).get().error().code);
  fmt::print("{}\n", api.demo.fail({.code = 404, .message = "as asked"}).get().error());
  fmt::print("{}\n", in_a_test_mesh());
}
