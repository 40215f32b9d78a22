// A client with a deadline.   ask [HOST:PORT [ID]]
#include <charconv>
#include <chrono>
#include <string_view>

#include <fmt/format.h>
#include <weft/client.hpp>

#include "users.hpp"

using namespace std::chrono_literals;

int main(int argc, char** argv) {
  const char* address = argc > 1 ? argv[1] : "127.0.0.1:7400";
  const std::string_view number = argc > 2 ? argv[2] : "1";
  int id = 0;
  const auto [end, wrong] = std::from_chars(number.begin(), number.end(), id);
  if (argc > 3 || wrong != std::errc() || end != number.end()) {
    fmt::print(stderr, "usage: ask [HOST:PORT [ID]]\n");
    return 64;
  }
  auto node = weft::client::connect(address, {.name = "me"});
  if (!node) {
    fmt::print(stderr, "{}\n", node.error());
    return node.error().is(weft::error_code::invalid_params) ? 64 : 2;
  }
  auto found = node->call<user>("users.get", id, {.deadline = 2s}).get();
  if (!found) {
    const bool safe = found.error().executed == weft::executed::no;
    fmt::print("{} (retry is {})\n", found.error(), safe ? "safe" : "not safe");
    return 1;
  }
  fmt::print("{} is {}\n", found->id, found->name);
}
