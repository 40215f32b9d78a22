#include "actors/access/access_policy.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

namespace weft {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

struct coverage_case {
  std::vector<std::string> patterns;
  std::string asked;
  bool covered;
};

class method_sets : public testing::TestWithParam<coverage_case> {};

TEST_P(method_sets, cover_what_every_part_of_is_named) {
  const auto& given = GetParam();
  EXPECT_EQ(method_set(given.patterns).covers(given.asked), given.covered);
}

INSTANTIATE_TEST_SUITE_P(
    patterns, method_sets,
    testing::Values(
        coverage_case{{}, "users.get", false}, coverage_case{{"users.get"}, "users.get", true},
        coverage_case{{"users.get"}, "users.ge", false}, coverage_case{{"users.get"}, "users.get2", false},
        coverage_case{{"users.get"}, "users.get.all", false}, coverage_case{{"users.get"}, "users.*", false},
        coverage_case{{"users.*"}, "users.get", true}, coverage_case{{"users.*"}, "users.admin.get", true},
        coverage_case{{"users.*"}, "users", false}, coverage_case{{"users.*"}, "users2.get", false},
        coverage_case{{"users.*"}, "Users.get", false}, coverage_case{{"users.*"}, "users.*", true},
        coverage_case{{"users.*"}, "users.admin.*", true}, coverage_case{{"users.admin.*"}, "users.*", false},
        coverage_case{{"users.*"}, "*", false}, coverage_case{{"*"}, "users.get", true},
        coverage_case{{"*"}, "users.*", true}, coverage_case{{"*"}, "", true},
        coverage_case{{"a.b", "users.*", "c"}, "c", true},
        coverage_case{{"a.b", "users.*", "c"}, "a", false}));

TEST(method_set, grows_by_another) {
  method_set set({"a"});
  set.add(method_set({"b", "c.*"}));
  EXPECT_TRUE(set.covers("a") && set.covers("b") && set.covers("c.d"));
  EXPECT_FALSE(set.covers("d"));
  set.add(method_set({"*"}));
  EXPECT_TRUE(set.covers("d"));
}

TEST(digest_of, is_sha_256) {
  // FIPS 180-4's example, the digest of "abc".
  const auto digest = digest_of("abc");
  EXPECT_THAT(std::vector(digest.begin(), digest.begin() + 4), testing::ElementsAre(0xba, 0x78, 0x16, 0xbf));
  EXPECT_THAT(std::vector(digest.end() - 2, digest.end()), testing::ElementsAre(0x15, 0xad));
}

TEST(check_token, takes_what_is_long_enough_and_printable) {
  EXPECT_THAT(check_token(std::string(shortest_token, 'x')), IsEmpty());
  EXPECT_THAT(check_token(std::string(longest_token, '~')), IsEmpty());
  for (const std::string& wrong :
       {std::string(), std::string(shortest_token - 1, 'x'), std::string(longest_token + 1, 'x')}) {
    EXPECT_THAT(check_token(wrong), HasSubstr(fmt::format("16 to 256 characters, not {}", wrong.size())));
  }
  for (const char c : {' ', '\n', '\0', '\x7f', '\xc3'}) {
    const auto wrong = check_token("secret-secret-secret" + std::string(1, c));
    EXPECT_THAT(wrong, HasSubstr("printable ASCII"));
    EXPECT_THAT(wrong, Not(HasSubstr("secret-")));
  }
}

class policy : public testing::Test {
 protected:
  static identity make(std::string name, method_set serve, method_set call) {
    return {.name = name,
            .digests = {digest_of("token of " + name)},
            .node = false,
            .quota = {},
            .serve = std::move(serve),
            .call = std::move(call)};
  }

  const access_policy access{{make("first", method_set({"first.*"}), method_set({"second.get"})),
                              make("second", {}, {}), make("third", {}, method_set({"*"}))},
                             {.name = {},
                              .digests = {},
                              .node = false,
                              .quota = {},
                              .serve = method_set({"public.clock"}),
                              .call = method_set({"public.*"})}};
};

TEST_F(policy, knows_each_identity_by_its_token_only) {
  for (const std::string name : {"first", "second", "third"}) {
    const auto* who = access.identify("token of " + name);
    ASSERT_NE(who, nullptr) << name;
    EXPECT_EQ(who->name, name);
  }
  for (const std::string wrong : {"", "first", "token of firs", "token of first ", "token of nobody"})
    EXPECT_EQ(access.identify(wrong), nullptr) << wrong;
}

TEST_F(policy, does_not_take_the_digest_of_everyone_for_a_token) {
  // It has none: all zero.
  EXPECT_EQ(access.identify(std::string(32, '\0')), nullptr);
}

TEST_F(policy, lets_every_identity_do_what_everyone_may) {
  const auto& first = *access.identify("token of first");
  EXPECT_TRUE(first.call.covers("second.get") && first.call.covers("public.clock"));
  EXPECT_TRUE(first.serve.covers("first.get") && first.serve.covers("public.clock"));
  EXPECT_FALSE(first.call.covers("first.get") || first.serve.covers("public.calendar"));
  EXPECT_TRUE(access.everyone().call.covers("public.clock"));
  EXPECT_FALSE(access.everyone().call.covers("second.get"));
}

}  // namespace
}  // namespace weft
