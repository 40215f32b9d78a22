#include "node/config/units.hpp"

#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weft::proto {
namespace {

using std::chrono::nanoseconds;
using testing::HasSubstr;
using namespace std::chrono_literals;

TEST(units, durations_are_exact) {
  EXPECT_EQ(parse_duration("200ms"), 200ms);
  EXPECT_EQ(parse_duration("1.5s"), 1500ms);
  EXPECT_EQ(parse_duration("2m"), 2min);
  EXPECT_EQ(parse_duration("1h"), 1h);
  EXPECT_EQ(parse_duration("50us"), 50us);
  EXPECT_EQ(parse_duration("7ns"), 7ns);
  EXPECT_EQ(parse_duration("0s"), 0s);
  EXPECT_EQ(parse_duration("0.25h"), 15min);
  EXPECT_EQ(parse_duration("0.000001s"), 1us);
  EXPECT_EQ(parse_duration("9223372036854775807ns"), nanoseconds::max());
}

TEST(units, sizes_are_exact) {
  EXPECT_EQ(parse_size("512B"), 512U);
  EXPECT_EQ(parse_size("64KiB"), 64U << 10);
  EXPECT_EQ(parse_size("1MiB"), 1U << 20);
  EXPECT_EQ(parse_size("1GiB"), 1U << 30);
  EXPECT_EQ(parse_size("1TiB"), std::size_t{1} << 40);
  EXPECT_EQ(parse_size("1kB"), 1000U);
  EXPECT_EQ(parse_size("3MB"), 3'000'000U);
  EXPECT_EQ(parse_size("2GB"), 2'000'000'000U);
  EXPECT_EQ(parse_size("1TB"), 1'000'000'000'000U);
  EXPECT_EQ(parse_size("1.5KiB"), 1536U);
  EXPECT_EQ(parse_size("0B"), 0U);
}

TEST(units, a_bare_number_is_refused_with_what_is_right) {
  const auto duration = parse_duration("30");
  ASSERT_FALSE(duration);
  EXPECT_THAT(duration.error(), HasSubstr("\"30\" has no unit"));
  EXPECT_THAT(duration.error(), HasSubstr("ns, us, ms, s, m or h, such as 200ms"));
  const auto size = parse_size("1024");
  ASSERT_FALSE(size);
  EXPECT_THAT(size.error(), HasSubstr("\"1024\" has no unit"));
  EXPECT_THAT(size.error(), HasSubstr("such as 64KiB"));
}

TEST(units, an_unknown_unit_is_named) {
  EXPECT_THAT(parse_duration("3 s").error(), HasSubstr("unknown unit \" s\""));
  EXPECT_THAT(parse_duration("3sec").error(), HasSubstr("unknown unit \"sec\""));
  EXPECT_THAT(parse_duration("3S").error(), HasSubstr("unknown unit \"S\""));
  EXPECT_THAT(parse_size("3KB").error(), HasSubstr("unknown unit \"KB\""));
  EXPECT_THAT(parse_size("3ms").error(), HasSubstr("unknown unit \"ms\""));
  EXPECT_THAT(parse_duration("1.2.3s").error(), HasSubstr("unknown unit \".3s\""));
}

TEST(units, what_is_no_number_is_refused) {
  for (const char* text : {"", "s", "ms", ".5s", "1.s", "-1s", "+1s", " 1s", "one second"}) {
    const auto duration = parse_duration(text);
    ASSERT_FALSE(duration) << text;
    EXPECT_THAT(duration.error(), HasSubstr("is no duration")) << text;
  }
  EXPECT_THAT(parse_size("-1B").error(), HasSubstr("is no size"));
}

TEST(units, what_is_not_whole_is_refused) {
  EXPECT_THAT(parse_duration("0.5ns").error(), HasSubstr("no whole number of nanoseconds"));
  EXPECT_THAT(parse_size("0.1B").error(), HasSubstr("no whole number of bytes"));
  EXPECT_THAT(parse_size("0.3KiB").error(), HasSubstr("no whole number of bytes"));
  EXPECT_THAT(parse_duration("0.1234567s").error(), HasSubstr("more than six digits"));
}

TEST(units, overflow_is_refused) {
  for (const char* text :
       {"9223372036854775808ns", "2562048h", "99999999999999999999s", "9223372036.854776s"}) {
    const auto duration = parse_duration(text);
    ASSERT_FALSE(duration) << text;
    EXPECT_THAT(duration.error(), HasSubstr("too large")) << text;
  }
  EXPECT_THAT(parse_size("8388608TiB").error(), HasSubstr("too large"));
}

TEST(units, formatting_takes_the_largest_exact_unit) {
  EXPECT_EQ(format_duration(200ms), "200ms");
  EXPECT_EQ(format_duration(1500ms), "1500ms");
  EXPECT_EQ(format_duration(90s), "90s");
  EXPECT_EQ(format_duration(120s), "2m");
  EXPECT_EQ(format_duration(2h), "2h");
  EXPECT_EQ(format_duration(0s), "0s");
  EXPECT_EQ(format_duration(-30ms), "-30ms");
  EXPECT_EQ(format_size(0), "0B");
  EXPECT_EQ(format_size(1 << 20), "1MiB");
  EXPECT_EQ(format_size(1536), "1536B");
  EXPECT_EQ(format_size(64 << 10), "64KiB");
  EXPECT_EQ(format_size(2'000'000), "2MB");
}

TEST(units, parsing_what_was_formatted_gives_the_value_back) {
  for (const auto value :
       {1ns, 999ns, nanoseconds(1us), nanoseconds(59s), nanoseconds(25h), nanoseconds::max()}) {
    EXPECT_EQ(parse_duration(format_duration(value)), value);
  }
  EXPECT_EQ(format_duration(nanoseconds::min()), "-9223372036854775808ns");
  for (const std::size_t value : {1UL, 1023UL, 1024UL, 1000UL, 1'048'576'000UL, 1UL << 50}) {
    EXPECT_EQ(parse_size(format_size(value)), value);
  }
}

}  // namespace
}  // namespace weft::proto
