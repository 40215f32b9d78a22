// A client with a deadline.   ask HOST:PORT [ID]
#include <chrono>
#include <cstdlib>

#include <fmt/format.h>
#include <weft/client.hpp>

#include "users.hpp"

using namespace std::chrono_literals;

int main(int argc, char** argv) {
  const char* address = argc > 1 ? argv[1] : "127.0.0.1:7400";
  const int id = argc > 2 ? std::atoi(argv[2]) : 1;
  auto node = weft::client::connect(address, {.name = "me"});
  if (!node) {
    fmt::print(stderr, "{}\n", node.error());
    return 2;
  }
  auto found = node->call<user>("users.get", id, {.deadline = 2s}).get();
  if (!found) {
    const bool safe = found.error().executed == weft::executed::no;
    fmt::print("{} (retry is {})\n", found.error(), safe ? "safe" : "not safe");
    return 1;
  }
  fmt::print("{} is {}\n", found->id, found->name);
}
