#include "node/config/tokens_file.hpp"

#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include "node/process/file_text.hpp"

namespace weft {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr std::string_view good_token = "0123456789abcdef0123456789abcdef";
constexpr std::string_view other_token = "another-token-of-good-length";

std::shared_ptr<const access_policy> parse(const std::string& text) {
  auto policy = parse_tokens_file({"tokens.json", text});
  EXPECT_TRUE(policy) << (policy ? "" : policy.error().front());
  return policy.value_or(nullptr);
}

std::vector<std::string> complaints(const std::string& text) {
  const auto policy = parse_tokens_file({"tokens.json", text});
  return policy ? std::vector<std::string>{} : policy.error();
}

/// A file with one identity, whose members besides its name are given.
std::string with_identity(std::string_view members) {
  return fmt::format(R"({{"identities": [{{"name": "who", {}}}]}})", members);
}
std::string with_token_and(std::string_view members) {
  return with_identity(fmt::format(R"("token": "{}", {})", good_token, members));
}

TEST(parse_tokens_file, gives_each_identity_its_rights) {
  const auto policy = parse(fmt::format(R"({{
    // Comments are allowed.
    "identities": [
      {{"name": "orders", "token": "{}", "serve": ["orders.*"], "call": ["users.get"]}},
      {{"name": "mesh", "token": "{}", "node": true}}
    ]
  }})",
                                        good_token, other_token));
  ASSERT_TRUE(policy);
  const auto* orders = policy->identify(good_token);
  ASSERT_NE(orders, nullptr);
  EXPECT_EQ(orders->name, "orders");
  EXPECT_TRUE(orders->serve.covers("orders.create") && orders->call.covers("users.get"));
  EXPECT_FALSE(orders->node || orders->call.covers("orders.create") || orders->serve.covers("users.get"));
  const auto* mesh = policy->identify(other_token);
  ASSERT_NE(mesh, nullptr);
  EXPECT_TRUE(mesh->node);
}

TEST(parse_tokens_file, knows_a_token_by_its_digest) {
  // printf %s 0123456789abcdef0123456789abcdef | sha256sum
  const auto policy = parse(
      with_identity(R"("token_sha256": "3eb1bd439947eb762998e566ccc2e099c791118b2f40579cc4f7da2b5061b7f9")"));
  ASSERT_TRUE(policy);
  EXPECT_NE(policy->identify(good_token), nullptr);
  EXPECT_EQ(policy->identify("3eb1bd439947eb762998e566ccc2e099c791118b2f40579cc4f7da2b5061b7f9"), nullptr);
}

TEST(parse_tokens_file, knows_an_identity_by_several_tokens_and_names) {
  const auto policy = parse(
      with_identity(fmt::format(R"("token": ["{}", "{}"], "san": ["orders.example", "spiffe://mesh/orders"])",
                                good_token, other_token)));
  ASSERT_TRUE(policy);
  const auto* who = policy->identify(good_token);
  ASSERT_NE(who, nullptr);
  EXPECT_EQ(policy->identify(other_token), who);
  EXPECT_EQ(policy->identify_names(std::vector<std::string>{"other", "spiffe://mesh/orders"}), who);
  EXPECT_EQ(policy->identify_names(std::vector<std::string>{"other"}), nullptr);
}

TEST(parse_tokens_file, gives_each_identity_its_quotas) {
  const auto policy = parse(with_token_and(
      R"("admin": "write", "calls_per_second": {"rate": 50, "burst": 70}, "in_flight": 3, "connections": 4,
         "bytes_per_second": 1e6)"));
  ASSERT_TRUE(policy);
  const auto* who = policy->identify(good_token);
  ASSERT_NE(who, nullptr);
  EXPECT_EQ(who->admin, admin_right::write);
  EXPECT_EQ(
      who->quota,
      (quota_limits{
          .calls_per_second = 50, .burst = 70, .bytes_per_second = 1e6, .in_flight = 3, .connections = 4}));
  const auto plain = parse(with_token_and(R"("calls_per_second": 0.5)"));
  ASSERT_TRUE(plain);
  EXPECT_EQ(plain->identify(good_token)->quota.burst, 1);
}

TEST(parse_tokens_file, lets_everyone_ask_for_health_and_methods_unless_it_says_otherwise) {
  const auto silent = parse(R"({"identities": []})");
  const auto only_serving = parse(R"({"identities": [], "everyone": {"serve": ["public.*"]}})");
  for (const auto& policy : {silent, only_serving}) {
    ASSERT_TRUE(policy);
    EXPECT_TRUE(policy->everyone().call.covers("mesh.health") &&
                policy->everyone().call.covers("rpc.discover"));
    EXPECT_FALSE(policy->everyone().call.covers("foo") || policy->everyone().node);
  }
  EXPECT_TRUE(only_serving->everyone().serve.covers("public.clock"));
  const auto closed = parse(R"({"identities": [], "everyone": {"call": []}})");
  ASSERT_TRUE(closed);
  EXPECT_FALSE(closed->everyone().call.covers("mesh.health"));
}

struct mistake {
  std::string text;
  std::string complaint;
};

class mistakes : public testing::TestWithParam<mistake> {};

TEST_P(mistakes, are_named) {
  EXPECT_THAT(complaints(GetParam().text),
              ElementsAre(testing::AllOf(testing::StartsWith("auth.tokens_file \"tokens.json\""),
                                         HasSubstr(GetParam().complaint), Not(HasSubstr(good_token)))));
}

INSTANTIATE_TEST_SUITE_P(
    files, mistakes,
    testing::Values(
        mistake{"", "write JSON"}, mistake{"[]", "is no object"}, mistake{"{}", "no array \"identities\""},
        mistake{R"({"identities": {}})", "no array \"identities\""},
        mistake{R"({"identities": [], "identites": []})",
                "\"identites\" is unknown; the nearest known member is"},
        mistake{R"({"identities": [], "identities": []})", "\"identities\" stands twice"},
        mistake{R"({"identities": ["x"]})", "identity 1: is no object"},
        mistake{R"({"identities": [{}]})", "identity 1: has no \"name\""},
        mistake{fmt::format(R"({{"identities": [{{"name": "a b", "token": "{}"}}]}})", good_token),
                "identity 1: has a bad name"},
        mistake{R"({"identities": [{"name": "who"}]})", "needs \"token\", \"token_sha256\" or \"san\""},
        mistake{with_identity(R"("token": 5)"), "\"token\" is a string"},
        mistake{with_identity(R"("token": [])"), "an array of 1 to 8 strings"},
        mistake{with_identity(fmt::format(R"("token": ["{0}", "{0}"])", good_token)), "has one token twice"},
        mistake{with_identity(R"("san": "*.example")"), "is no name of a certificate"},
        mistake{with_token_and(R"("admin": true)"), "\"admin\" is \"read\" or \"write\""},
        mistake{with_token_and(R"("calls_per_second": 0)"), "\"calls_per_second\" is a number from 0.001"},
        mistake{with_token_and(R"("calls_per_second": {"rate": 5, "bursts": 7})"), "\"bursts\" is unknown"},
        mistake{with_token_and(R"("calls_per_second": {"burst": 5})"), "needs \"rate\""},
        mistake{with_token_and(R"("calls_per_second": 1e-30)"),
                "\"calls_per_second\" is a number from 0.001"},
        mistake{with_token_and(R"("bytes_per_second": "5")"), "\"bytes_per_second\" is a number from 0.001"},
        mistake{with_token_and(R"("in_flight": 1.5)"), "\"in_flight\" is a whole number from 1"},
        mistake{with_token_and(R"("connections": -1)"), "\"connections\" is a whole number from 1"},
        mistake{with_identity(R"("token": "")"), "16 to 256 characters, not 0"},
        mistake{with_identity(R"("token": "short")"), "16 to 256 characters, not 5"},
        mistake{with_identity(R"("token": "two words and a bit")"), "printable ASCII"},
        mistake{with_identity(R"("token_sha256": "00")"), "64 lower-case hexadecimal digits"},
        mistake{with_token_and(R"("node": "yes")"), "\"node\" is true or false"},
        mistake{with_token_and(R"("calls": [])"),
                "\"calls\" is unknown; the nearest known member is \"call\""},
        mistake{with_token_and(R"("call": "users.*")"), "\"call\" is an array of methods"},
        mistake{with_token_and(R"("call": ["users.*", 5])"), "\"call\" is an array of methods"},
        mistake{with_token_and(R"("call": [""])"), "is no method"},
        mistake{with_token_and(R"("call": ["us*"])"), "\"us*\" is no method"},
        mistake{with_token_and(R"("call": ["*.get"])"), "\"*.get\" is no method"},
        mistake{with_token_and(R"("serve": ["rpc.*"])"), "belongs to the node"},
        mistake{R"({"identities": [], "everyone": []})", "\"everyone\": is no object"},
        mistake{R"({"identities": [], "everyone": {"node": true}})", "\"node\" is unknown"},
        mistake{fmt::format(
                    R"({{"identities": [{{"name": "a", "token": "{0}"}}, {{"name": "b", "token": "{0}"}}]}})",
                    good_token),
                "identity \"b\": has the token of \"a\""},
        mistake{fmt::format(
                    R"({{"identities": [{{"name": "a", "token": "{}"}}, {{"name": "a", "token": "{}"}}]}})",
                    good_token, other_token),
                "identity \"a\": stands twice"}));

TEST(parse_tokens_file, never_shows_a_token_that_it_stumbles_over) {
  for (const std::string& text : {fmt::format(R"({{"identities": [{{"token": "{}" x}}]}})", good_token),
                                  fmt::format(R"({{"identities": [{{"token": {}}}]}})", good_token),
                                  fmt::format("{{\"identities\": [{{\"token\": \"{}\n\"}}]}}", good_token)}) {
    EXPECT_THAT(complaints(text), ElementsAre(testing::AllOf(HasSubstr("line "), Not(HasSubstr("0123456")))));
  }
}

TEST(parse_tokens_file, reports_every_mistake_at_once) {
  EXPECT_EQ(complaints(R"({"identities": [{"name": "a"}, {"name": "b", "token": "x"}], "all": 1})").size(),
            3u);
}

class secret_files : public testing::Test {
 protected:
  secret_files() : path_(testing::TempDir() + fmt::format("weft-secret-{}", ::getpid())) {}
  ~secret_files() override { std::filesystem::remove(path_); }

  const std::string& write(std::string_view text, unsigned mode = 0600) {
    std::ofstream(path_) << text;
    std::filesystem::permissions(path_, std::filesystem::perms(mode));
    return path_;
  }

  std::string path_;
};

TEST_F(secret_files, are_for_their_owner_alone) {
  EXPECT_EQ(read_secret_file(write("text", 0600)), "text");
  EXPECT_EQ(read_secret_file(write("text", 0700)), "text");
  for (const unsigned mode : {0604u, 0640u, 0620u, 0602u, 0660u, 0777u}) {
    const auto read = read_secret_file(write("text", mode));
    ASSERT_FALSE(read) << mode;
    EXPECT_THAT(read.error(), HasSubstr(fmt::format("its mode {:04o} lets others at the secrets", mode)));
    EXPECT_THAT(read.error(), HasSubstr("chmod 600 " + path_));
  }
}

TEST_F(secret_files, of_somebody_else_are_that_ones_affair) {
  write("text", 0644);
  // Only root can give a file away; for everyone else there are root's own.
  if (::chown(path_.c_str(), 12345, static_cast<gid_t>(-1)) != 0) {
    EXPECT_TRUE(read_secret_file("/etc/passwd"));
    return;
  }
  EXPECT_EQ(read_secret_file(path_), "text");
}

TEST_F(secret_files, that_are_not_there_are_named) {
  const auto read = read_secret_file("/nowhere/tokens.json");
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error(), "file \"/nowhere/tokens.json\" cannot be used: No such file or directory");
}

TEST_F(secret_files, with_a_token_may_end_with_a_line_feed) {
  EXPECT_EQ(read_token_file(write(fmt::format("  {}\r\n\n", good_token))), good_token);
  for (const auto* wrong : {"", "\n", "short\n", "two words of good length"}) {
    const auto read = read_token_file(write(wrong));
    ASSERT_FALSE(read) << wrong;
    EXPECT_THAT(read.error(), HasSubstr("holds no token: a token"));
  }
}

TEST_F(secret_files, are_loaded_where_the_options_name_them) {
  program_options options;
  EXPECT_THAT(load_auth_files(options), IsEmpty());
  EXPECT_EQ(options.node.auth.policy, nullptr);

  options.auth.peer_token = write(good_token);
  EXPECT_THAT(load_auth_files(options), IsEmpty());
  EXPECT_EQ(options.node.auth.peer_token, good_token);

  options.auth = {.tokens = write(with_token_and(R"("node": true)")), .peer_token = {}};
  EXPECT_THAT(load_auth_files(options), IsEmpty());
  ASSERT_NE(options.node.auth.policy, nullptr);
  EXPECT_NE(options.node.auth.policy->identify(good_token), nullptr);

  options.auth = {.tokens = "/nowhere", .peer_token = write("short")};
  EXPECT_THAT(load_auth_files(options),
              ElementsAre(testing::StartsWith("auth.tokens_file: file \"/nowhere\" cannot be used"),
                          testing::StartsWith("auth.peer_token_file: file")));
}

}  // namespace
}  // namespace weft
