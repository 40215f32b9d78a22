#include "weather.hpp"

#include <map>

#include <weft/stream.hpp>

using namespace std::chrono_literals;

const std::map<std::string, double> cities = {{"Lagos", 29.5}, {"Oslo", -3.0}};

weft::result<reading> now(std::string city) {
  const auto found = cities.find(city);
  if (found == cities.end()) return weft::error(404, "no city {}", city);
  return reading{0, found->second};
}

weft::async_generator<reading> follow(weft::call_context ctx, std::string city, int hours) {
  const auto found = cities.find(city);
  if (found == cities.end()) throw weft::stream_error(404, "no city {}", city);
  for (int hour = 0; hour < hours; ++hour) {
    co_yield reading{hour, found->second + hour % 12};
    if (!co_await weft::sleep_for(ctx, 10ms)) co_return;
  }
}

weft::service weather() {
  weft::service made("weather");
  made.method("weather.now", now, {.params = {"city"}, .idempotent = true});
  made.method("weather.follow", follow, {.params = {"city", "hours"}, .defaults = {{"hours", 24}}});
  return made;
}
