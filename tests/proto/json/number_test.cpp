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

}  // namespace
}  // namespace weft::proto
