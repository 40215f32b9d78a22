// Many calls at once: a service at a node somewhere, that needs another one.   teams [HOST:PORT]
#include <chrono>
#include <ranges>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <weft/service.hpp>

#include "users.hpp"

using namespace std::chrono_literals;

weft::task<weft::result<std::vector<user>>> members(weft::call_context ctx, std::vector<int> ids) {
  const auto mesh = ctx.within(2s).mesh();
  const auto ask = [&](int id) { return mesh.call<user>("users.get", id); };
  const auto answers = co_await weft::when_all(ids | std::views::transform(ask));
  std::vector<user> found;
  for (const auto& each : answers) {
    if (!each) co_return each.error();
    found.push_back(*each);
  }
  co_return found;
}

int main(int argc, char** argv) {
  if (argc > 2) {
    fmt::print(stderr, "usage: teams [HOST:PORT]\n");
    return 64;
  }
  weft::service teams("teams");
  teams.method("teams.members", members, {.params = {"ids"}, .idempotent = true});
  return weft::serve(argc == 2 ? argv[1] : "127.0.0.1:7400", teams);
}
