// Hears of a topic: a client that is called.   watch HOST:PORT TOPIC [EVENTS]
#include <charconv>
#include <future>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <weft/weft.hpp>

int main(int argc, char** argv) {
  const std::string_view events = argc > 3 ? argv[3] : "1";
  int left = 0;
  const auto [end, wrong] = std::from_chars(events.begin(), events.end(), left);
  if (argc < 3 || argc > 4 || wrong != std::errc() || end != events.end() || left < 1) {
    fmt::print(stderr, "usage: watch HOST:PORT TOPIC [EVENTS]\n");
    return 64;
  }
  std::promise<void> enough;
  weft::service heard("watch");
  heard.method("event",
               [&](std::string topic, std::string text) {
                 fmt::print("{}: {}\n", topic, text);
                 if (--left == 0) enough.set_value();
               },
               {.params = {"topic", "text"}});
  auto node = weft::client::connect(argv[1], {.name = "watch"}, heard);
  if (!node) {
    fmt::print(stderr, "{}\n", node.error());
    return node.error().is(weft::error_code::invalid_params) ? 64 : 2;
  }
  if (auto watched = node->call<std::string>("topics.watch", argv[2]).get(); !watched) {
    fmt::print(stderr, "{}\n", watched.error());
    return 1;
  }
  fmt::print("watching {}\n", argv[2]);
  std::fflush(stdout);
  enough.get_future().wait();
}
