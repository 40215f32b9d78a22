#include "weather.hpp"

#include <gmock/gmock.h>
#include <weft/testing.hpp>

using namespace std::chrono_literals;
using testing::Field;
using weft::HasCode;
using weft::IsOk;

TEST(weather, is_told_for_cities_that_are_known) {
  weft::test_mesh mesh;
  mesh.add(weather());
  EXPECT_THAT(mesh.call<reading>("weather.now", "Oslo").get(), IsOk(Field(&reading::celsius, -3.0)));
  EXPECT_THAT(mesh.call<reading>("weather.now", "Atlantis").get(), HasCode(404));
}

TEST(weather, is_followed_by_the_hour) {
  weft::test_mesh mesh;
  mesh.add(weather());
  auto readings = mesh.stream<reading>("weather.follow", "Oslo", 1'000);
  int hours = 0;
  for (const reading& each : readings) EXPECT_EQ(each.hour, hours++);
  EXPECT_EQ(hours, 1'000);
  EXPECT_FALSE(readings.error());
  EXPECT_EQ(mesh.elapsed(), 10s);  // of a clock that nobody waits for
}

TEST(weather, takes_its_arguments_by_name) {
  weft::test_mesh mesh;
  mesh.add(weather());
  const auto now = mesh.call<reading>("weather.now", weft::named{{"city", "Lagos"}}).get();
  EXPECT_THAT(now, IsOk(Field(&reading::celsius, 29.5)));
  auto readings = mesh.stream<reading>("weather.follow", weft::named{{"hours", 1}, {"city", "Oslo"}});
  for (const reading& each : readings) EXPECT_EQ(each.celsius, -3.0);
  EXPECT_FALSE(readings.error());
}
