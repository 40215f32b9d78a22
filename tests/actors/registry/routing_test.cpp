#include <gtest/gtest.h>

#include "actors/registry/routing_table.hpp"

namespace weft {
namespace {

routing_table table_of(std::initializer_list<const char*> exact,
                       std::initializer_list<const char*> prefixes) {
  routing_table table;
  for (const std::string name : exact) table.exact[name].pattern = name;
  for (const std::string prefix : prefixes) table.prefixes[prefix].pattern = prefix + "*";
  return table;
}

std::string found(const routing_table& table, std::string_view method) {
  const auto* serving = table.find(method);
  return serving == nullptr ? "" : serving->pattern;
}

TEST(routing_table, an_exact_name_wins_over_a_longer_over_a_shorter_prefix) {
  const auto table = table_of({"a.b.exact"}, {"a.", "a.b.", "a.b.c."});
  EXPECT_EQ(found(table, "a.b.exact"), "a.b.exact");
  EXPECT_EQ(found(table, "a.b.c.d"), "a.b.c.*");
  EXPECT_EQ(found(table, "a.b.other"), "a.b.*");
  EXPECT_EQ(found(table, "a.x.y.z"), "a.*");
  EXPECT_EQ(found(table, "ab.c"), "");
  EXPECT_EQ(found(table, "a"), "");
}

TEST(routing_table, odd_names) {
  const auto table = table_of({""}, {"a.", ".."});
  for (const char* name : {".", "..", "...", ".a", "a", "a."})
    EXPECT_NO_FATAL_FAILURE(found(table, name)) << name;
  EXPECT_EQ(found(table, "..x"), "..*");
  EXPECT_EQ(found(table, std::string(256, '.') + "x"), "..*");
  EXPECT_EQ(found({}, "a.b"), "");
}

}  // namespace
}  // namespace weft
