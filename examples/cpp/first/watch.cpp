#include <fmt/format.h>
#include <weft/client.hpp>

#include "weather.hpp"

int main(int argc, char** argv) {
  if (argc != 3) {
    fmt::print(stderr, "usage: watch HOST:PORT CITY\n");
    return 64;
  }
  auto node = weft::client::connect(argv[1], {.name = "watch"});
  if (!node) {
    fmt::print(stderr, "{}\n", node.error());
    return 2;
  }
  auto readings = node->stream<reading>("weather.follow", argv[2], 3);
  for (const reading& each : readings) fmt::print("{:02}:00 {} °C\n", each.hour, each.celsius);
  if (!readings.error()) return 0;
  fmt::print("{}\n", *readings.error());
  return 1;
}
