#include "node/gen/names.hpp"

#include <gtest/gtest.h>

namespace weft::gen {
namespace {

TEST(names, any_text_becomes_an_identifier) {
  EXPECT_EQ(identifier("getAll_2"), "getAll_2");
  EXPECT_EQ(identifier("max-age"), "max_age");
  EXPECT_EQ(identifier("a - b"), "a_b");
  EXPECT_EQ(identifier("2fa"), "m2fa");
  EXPECT_EQ(identifier("__init__"), "m__init__");
  EXPECT_EQ(identifier(""), "m");
  EXPECT_EQ(identifier("größe"), "gr_e");
  for (const auto* text : {"", "-", "\xff", "a b", "\n", "9"})
    EXPECT_TRUE(is_identifier(identifier(text))) << text;
  EXPECT_FALSE(is_identifier("9a"));
  EXPECT_FALSE(is_identifier(""));
}

TEST(names, types_are_named_by_the_words_of_a_text) {
  EXPECT_EQ(pascal_case("users.getAll.result"), "UsersGetAllResult");
  EXPECT_EQ(snake_case("users.getAll.result"), "users_get_all_result");
  EXPECT_EQ(pascal_case("HTTPError"), "HTTPError");
  EXPECT_EQ(snake_case("HTTPError"), "httperror");
  EXPECT_EQ(snake_case("404 not found"), "t404_not_found");
  EXPECT_EQ(pascal_case("…"), "T");
}

TEST(names, none_in_a_scope_are_alike) {
  const std::set<std::string_view> reserved = {"class"};
  scope inside(reserved);
  EXPECT_EQ(inside.take("a"), "a");
  EXPECT_EQ(inside.take("a"), "a_2");
  EXPECT_EQ(inside.take("a_2"), "a_2_2");
  EXPECT_EQ(inside.take("class"), "class_");
  EXPECT_EQ(inside.take("class_"), "class__2");
  EXPECT_TRUE(inside.has("a_2"));
  EXPECT_FALSE(inside.has("class"));
}

}  // namespace
}  // namespace weft::gen
