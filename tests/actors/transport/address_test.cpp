#include "actors/transport/address.hpp"

#include <gmock/gmock.h>

namespace weft {
namespace {

using testing::HasSubstr;

struct address_case {
  std::string text;
  host_port address;
};

class accepted_addresses : public testing::TestWithParam<address_case> {};

TEST_P(accepted_addresses, are_parsed_and_printed_as_written) {
  const auto parsed = parse_host_port(GetParam().text);
  ASSERT_TRUE(parsed) << parsed.error();
  EXPECT_EQ(*parsed, GetParam().address);
  EXPECT_EQ(format_host_port(*parsed), GetParam().text);
}

INSTANTIATE_TEST_SUITE_P(
    addresses, accepted_addresses,
    testing::Values(address_case{"127.0.0.1:7400", {"127.0.0.1", 7400}},
                    address_case{"[::1]:7400", {"::1", 7400}}, address_case{"[::]:0", {"::", 0}},
                    address_case{"node-b_1.example:65535", {"node-b_1.example", 65535}},
                    address_case{"a:1", {"a", 1}}, address_case{"a.b.:1", {"a.b.", 1}},
                    address_case{std::string(63, 'a') + ":1", {std::string(63, 'a'), 1}}));

struct refusal {
  std::string text;
  std::string complaint;
};

class refused_addresses : public testing::TestWithParam<refusal> {};

TEST_P(refused_addresses, say_what_is_wrong) {
  const auto parsed = parse_host_port(GetParam().text);
  ASSERT_FALSE(parsed);
  EXPECT_THAT(parsed.error(), HasSubstr(GetParam().complaint));
  EXPECT_THAT(parsed.error(), HasSubstr('"' + GetParam().text + '"'));
}

INSTANTIATE_TEST_SUITE_P(
    addresses, refused_addresses,
    testing::Values(
        refusal{"", "has no port"}, refusal{"7400", "has no port"}, refusal{"[::1]", "has no port"},
        refusal{"tls://127.0.0.1:7400", "no scheme here; write HOST:PORT"},
        refusal{":7400", "the host is missing"}, refusal{"::1:7400", "stands in brackets"},
        refusal{"[127.0.0.1]:7400", "is not an IPv6 address"}, refusal{"[::1:7400", "stands in brackets"},
        refusal{"300.0.0.1:7400", "is not an IPv4 address"}, refusal{"a b:7400", "is not a host name"},
        refusal{"a/b:7400", "is not a host name"}, refusal{"h\u00f6st:7400", "is not a host name"},
        refusal{"-a.b:7400", "neither begin nor end with '-'"},
        refusal{"a-.b:7400", "neither begin nor end with '-'"},
        refusal{std::string(64, 'a') + ":7400", "at most 63 characters"},
        refusal{std::string(254, 'a') + ":7400", "at most 253 characters, not 254"},
        refusal{"a:", "from 0 to 65535"}, refusal{"a:65536", "from 0 to 65535"},
        refusal{"a:-1", "from 0 to 65535"}, refusal{"a:80x", "from 0 to 65535"}));

TEST(peer, is_a_name_and_an_address) {
  const auto peer = parse_named_address("b=[::1]:7401");
  ASSERT_TRUE(peer) << peer.error();
  EXPECT_EQ(*peer, (named_address{"b", {{"::1", 7401}}}));
}

TEST(addresses, say_whether_they_are_of_tls) {
  EXPECT_EQ(parse_named_address("b=tls://b.example:7443")->address, (net_address{{"b.example", 7443}, true}));
  EXPECT_EQ(parse_net_address("tcp://[::1]:0"), (net_address{{"::1", 0}, false}));
}

TEST(peer, refusals_say_what_is_wrong) {
  EXPECT_THAT(parse_net_address("udp://a:1").error(), HasSubstr("write tcp://HOST:PORT or tls://HOST:PORT"));
  EXPECT_THAT(parse_net_address("tls://a").error(), HasSubstr("has no port"));
  EXPECT_THAT(parse_named_address("b:7401").error(), HasSubstr("names no peer; write NAME=HOST:PORT"));
  EXPECT_THAT(parse_named_address("=b:7401").error(), HasSubstr("the name is empty"));
  EXPECT_THAT(parse_named_address("b c=b:7401").error(), HasSubstr("\"b c\" is not a name"));
  EXPECT_THAT(parse_named_address("b=b:0").error(), HasSubstr("from 1 to 65535"));
  EXPECT_THAT(parse_named_address("b=b").error(), HasSubstr("has no port"));
  EXPECT_THAT(parse_named_address(std::string(65, 'b') + "=b:1").error(),
              HasSubstr("65 characters; use at most 64"));
}

}  // namespace
}  // namespace weft
