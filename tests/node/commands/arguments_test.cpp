#include "node/commands/arguments.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weft::tools {
namespace {

using std::chrono::milliseconds;
using std::chrono::nanoseconds;
using testing::HasSubstr;

struct arguments_test : testing::Test {
  arguments_test() {
    add_address(app, "ADDRESS", address, "where");
    add_duration(app, "--timeout", timeout, milliseconds(1), "how long");
  }

  /// The parser's complaint, empty when there is none.
  std::string parse(const std::string& line) {
    try {
      app.parse(line);
      return {};
    } catch (const CLI::ParseError& error) {
      return error.what();
    }
  }

  CLI::App app;
  host_port address;
  nanoseconds timeout = milliseconds(5'000);
};

TEST_F(arguments_test, reads_address_and_duration) {
  EXPECT_EQ(parse("127.0.0.1:7400 --timeout 250ms"), "");
  EXPECT_EQ(address, (host_port{"127.0.0.1", 7400}));
  EXPECT_EQ(timeout, milliseconds(250));
}

TEST_F(arguments_test, keeps_the_default) {
  EXPECT_EQ(parse("[::1]:1"), "");
  EXPECT_EQ(address, (host_port{"::1", 1}));
  EXPECT_EQ(timeout, milliseconds(5'000));
  EXPECT_THAT(app.help(), HasSubstr("5s"));
}

TEST_F(arguments_test, accepts_host_names) {
  EXPECT_EQ(parse("node-a.mesh:65535"), "");
  EXPECT_EQ(address, (host_port{"node-a.mesh", 65'535}));
}

TEST_F(arguments_test, refuses_what_cannot_be_connected_to) {
  EXPECT_THAT(parse("localhost"), HasSubstr("HOST:PORT"));
  EXPECT_THAT(parse("localhost:0"), HasSubstr("from 1 to 65535"));
  EXPECT_THAT(parse("localhost:70000"), HasSubstr("70000"));
  EXPECT_THAT(parse(""), HasSubstr("ADDRESS"));
}

TEST_F(arguments_test, refuses_wrong_durations) {
  EXPECT_THAT(parse("localhost:1 --timeout 5"), HasSubstr("--timeout"));
  EXPECT_THAT(parse("localhost:1 --timeout 10us"), HasSubstr("the least is 1ms"));
  EXPECT_THAT(parse("localhost:1 --timeout soon"), HasSubstr("soon"));
}

TEST_F(arguments_test, knows_commands_without_tls) {
  EXPECT_THAT(parse("tls://localhost:1"), HasSubstr("write HOST:PORT"));
}

struct tls_arguments_test : testing::Test {
  tls_arguments_test() { add_node_address(app, "ADDRESS", address, tls, "where"); }

  std::string parse(const std::string& line) {
    try {
      app.parse(line);
      check_tls_options(tls);
      return {};
    } catch (const CLI::ParseError& error) {
      return error.what();
    }
  }

  CLI::App app;
  host_port address;
  tls_options tls;
};

TEST_F(tls_arguments_test, reads_what_goes_with_tls) {
  EXPECT_EQ(parse("tls://b.example:7443 --ca ca.pem --cert a.pem --key a.key --server-name b"), "");
  EXPECT_EQ(address, (host_port{"b.example", 7443}));
  EXPECT_TRUE(tls.on);
  EXPECT_EQ(tls.authorities + tls.certificate + tls.key + tls.server_name, "ca.pema.pema.keyb");
}

TEST_F(tls_arguments_test, takes_plain_addresses_without_a_scheme_or_with_one) {
  EXPECT_EQ(parse("tcp://[::1]:1"), "");
  EXPECT_EQ(address, (host_port{"::1", 1}));
  EXPECT_FALSE(tls.on);
}

TEST_F(tls_arguments_test, refuses_what_does_not_fit) {
  EXPECT_THAT(parse("localhost:1 --ca ca.pem"), HasSubstr("write tls://HOST:PORT"));
  EXPECT_THAT(parse("tls://localhost:1 --key a.key"), HasSubstr("--cert"));
  EXPECT_THAT(parse("https://localhost:1"), HasSubstr("https:// is nothing to dial"));
  EXPECT_THAT(parse("tls://localhost"), HasSubstr("has no port"));
  EXPECT_THAT(parse("tls://localhost:0"), HasSubstr("from 1 to 65535"));
}

}  // namespace
}  // namespace weft::tools
