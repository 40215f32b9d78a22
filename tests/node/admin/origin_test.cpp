#include "node/admin/origin.hpp"

#include <gtest/gtest.h>

namespace weft {
namespace {

const std::vector<std::string> none;

TEST(is_own_host, addresses_and_names_within_a_site) {
  for (const char* host :
       {"", "127.0.0.1", "127.0.0.1:9464", "[::1]:9464", "[::1]", "localhost:9464", "a:9464", "weft-a",
        "x.local", "a.b.svc", "a.default.svc.cluster.local:9464", "node.internal.", "LOCALHOST"}) {
    EXPECT_TRUE(is_own_host(host, none)) << host;
  }
}

TEST(is_own_host, names_that_anybody_may_own) {
  for (const char* host : {"evil.example", "evil.example:9464", "127.0.0.1.evil.example", "1.2.3",
                           "localhost.evil.example", "a.local.example"}) {
    EXPECT_FALSE(is_own_host(host, none)) << host;
  }
  const std::vector<std::string> allowed{"weft.Example.com"};
  EXPECT_TRUE(is_own_host("WEFT.example.com:9464", allowed));
  EXPECT_FALSE(is_own_host("x.weft.example.com", allowed));
}

http_request post(std::string origin, std::string site = "") {
  return {.method = "POST",
          .path = "/log-level",
          .query = "",
          .body = "info",
          .host = "127.0.0.1:9464",
          .origin = std::move(origin),
          .sec_fetch_site = std::move(site)};
}

TEST(check_origin, pages_of_other_origins_change_nothing) {
  EXPECT_FALSE(check_origin(post(""), none)) << "no browser";
  EXPECT_FALSE(check_origin(post("http://127.0.0.1:9464", "same-origin"), none));
  for (const char* origin :
       {"http://evil.example", "null", "http://127.0.0.1:9465", "https://127.0.0.1:9464"}) {
    const auto refused = check_origin(post(origin), none);
    ASSERT_TRUE(refused) << origin;
    EXPECT_EQ(refused->status, 403);
  }
  EXPECT_EQ(check_origin(post("", "cross-site"), none)->status, 403);
  EXPECT_EQ(check_origin(post("", "same-site"), none)->status, 403);
}

TEST(check_origin, names_of_others_read_nothing) {
  auto request = post("");
  request.method = "GET";
  request.host = "evil.example";
  EXPECT_EQ(check_origin(request, none)->status, 421);
}

}  // namespace
}  // namespace weft
