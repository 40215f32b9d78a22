#include "proto/json/number.hpp"

#include <limits>
#include <string>

#include <gtest/gtest.h>

namespace weft::proto {
namespace {

constexpr double largest = std::numeric_limits<double>::max();
constexpr double smallest = std::numeric_limits<double>::denorm_min();

TEST(parse_double, takes_the_whole_text) {
  EXPECT_EQ(parse_double("0.5"), 0.5);
  EXPECT_EQ(parse_double("-12e3"), -12'000);
  EXPECT_EQ(parse_double("0"), 0.0);
  EXPECT_EQ(parse_double("0e999"), 0.0);
  for (const char* wrong : {"", "x", "1x", "\"1\"", "null", "1 ", " 1", "[]"})
    EXPECT_EQ(parse_double(wrong), std::nullopt) << wrong;
}

TEST(parse_double, tells_too_small_from_too_large) {
  EXPECT_EQ(parse_double("1e400"), largest);
  EXPECT_EQ(parse_double("-1e400"), -largest);
  EXPECT_EQ(parse_double("1e+400"), largest);
  EXPECT_EQ(parse_double("1e999999999999999999999999"), largest);
  EXPECT_EQ(parse_double("1e-400"), smallest);
  EXPECT_EQ(parse_double("-1e-400"), -smallest);
  EXPECT_EQ(parse_double("1e-999999999999999999999999"), smallest);
  // The exponent alone does not say it.
  EXPECT_EQ(parse_double("0." + std::string(400, '0') + "1"), smallest);
  EXPECT_EQ(parse_double("1" + std::string(400, '0')), largest);
  EXPECT_EQ(parse_double("0." + std::string(800, '0') + "1e400"), smallest);
  EXPECT_EQ(parse_double("1" + std::string(800, '0') + "e-400"), largest);
}

TEST(parse_exact_number, whole_numbers_that_a_double_holds) {
  EXPECT_EQ(parse_exact_number("0"), 0U);
  EXPECT_EQ(parse_exact_number("7"), 7U);
  EXPECT_EQ(parse_exact_number("9007199254740992"), std::uint64_t{1} << 53U);
}

TEST(parse_exact_number, nothing_else) {
  for (const auto* text : {"", "-1", "+1", "1.0", "1e3", " 1", "1 ", "0x1", "\"1\"", "null",
                           "9007199254740993", "99999999999999999999"}) {
    EXPECT_EQ(parse_exact_number(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace weft::proto
