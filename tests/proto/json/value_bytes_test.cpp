#include "proto/json/value_bytes.hpp"

#include <string>

#include <gtest/gtest.h>

namespace weft::proto {
namespace {

std::string repeated(const std::string& element, int count) {
  std::string text = "[";
  for (int i = 0; i < count; ++i) text += (i == 0 ? "" : ",") + element;
  return text + "]";
}

TEST(value_bytes, grows_with_what_a_value_takes) {
  constexpr int count = 1000;
  EXPECT_GE(value_bytes(repeated("[]", count)), count * 72U);
  EXPECT_GE(value_bytes(repeated("1", count)), count * 32U);
  EXPECT_GE(value_bytes(repeated(R"({"a":1})", count)), count * 150U);
  EXPECT_GE(value_bytes("\"" + std::string(count, 'x') + "\""), count + 0U);
  EXPECT_LE(value_bytes("\"" + std::string(count, 'x') + "\""), count + 100U);
  EXPECT_EQ(value_bytes(""), 0U);
}

}  // namespace
}  // namespace weft::proto
