#include "node/admin/routes.hpp"

#include <stdexcept>

#include <gmock/gmock.h>

#include "tests/node/admin/fake_admin_sources.hpp"

namespace weft {
namespace {

using testing::HasSubstr;

class admin_pages : public testing::Test {
 protected:
  http_response get(const std::string& path, const std::string& query = "") {
    return respond({.method = "GET", .path = path, .query = query, .body = ""}, node.sources());
  }
  http_response post(const std::string& path, const std::string& query, const std::string& body) {
    return respond({.method = "POST", .path = path, .query = query, .body = body}, node.sources());
  }

  fake_node node;
};

TEST_F(admin_pages, health_pages_answer_ok) {
  for (const char* path : {"/livez", "/healthz", "/readyz"}) {
    EXPECT_EQ(get(path).status, 200) << path;
    EXPECT_EQ(get(path).body, "ok\n") << path;
  }
}

TEST_F(admin_pages, readyz_lists_its_checks_when_asked) {
  for (const char* query : {"verbose", "verbose=1", "a=b&verbose", "verbose&a=b", "a&verbose&b"})
    EXPECT_EQ(get("/readyz", query).body,
              "[+]listening ok: 127.0.0.1:7400\n[+]draining ok\nreadyz check passed\n")
        << query;
  EXPECT_EQ(get("/readyz", "verbosely").body, "ok\n");
}

TEST_F(admin_pages, readyz_is_503_and_says_why_when_a_check_fails) {
  node.fail_draining_check("SIGTERM was received");
  const http_response response = get("/readyz");
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(
      response.body,
      "[+]listening ok: 127.0.0.1:7400\n[-]draining failed: SIGTERM was received\nreadyz check failed\n");
  EXPECT_EQ(get("/livez").status, 200) << "a draining node is alive";
}

TEST_F(admin_pages, metrics_have_the_content_type_that_prometheus_expects) {
  EXPECT_EQ(get("/metrics").body, "weft_up 1\n");
  EXPECT_EQ(get("/metrics").content_type, "text/plain; version=0.0.4; charset=utf-8");
}

TEST_F(admin_pages, json_pages_are_indented) {
  EXPECT_EQ(get("/connections").body, "[\n  {\n    \"id\": 7\n  }\n]\n");
  EXPECT_EQ(get("/connections").content_type, "application/json");
  EXPECT_THAT(get("/peers").body, HasSubstr("\"name\": \"b\""));
  EXPECT_THAT(get("/routes").body, HasSubstr("\"a\""));
  EXPECT_THAT(get("/methods").body, HasSubstr("\"foo\""));
  EXPECT_THAT(get("/config").body, HasSubstr("\"id\": \"a\""));
}

TEST_F(admin_pages, the_log_level_is_changed_by_post_only) {
  EXPECT_THAT(get("/log-level", "level=debug").body, HasSubstr("\"info\""));
  EXPECT_EQ(node.level(), "info");
  const http_response changed = post("/log-level", "", " debug\n");
  EXPECT_EQ(changed.status, 200);
  EXPECT_EQ(changed.body, "{\n  \"level\": \"debug\",\n  \"previous\": \"info\"\n}\n");
  EXPECT_EQ(node.level(), "debug");
  node.set_level("info");
  EXPECT_EQ(post("/log-level", "level=debug", "").status, 200);
  EXPECT_EQ(node.level(), "debug");
}

TEST_F(admin_pages, a_wrong_level_is_400_and_says_what_is_right) {
  const http_response response = post("/log-level", "level=loud", "");
  EXPECT_EQ(response.status, 400);
  EXPECT_EQ(response.body, "\"loud\" is no level; use debug, as the request's body or as ?level=\n");
  EXPECT_EQ(post("/log-level", "", "").status, 400);
}

TEST_F(admin_pages, a_wrong_method_is_405_with_allow) {
  const http_response to_metrics = post("/metrics", "", "");
  EXPECT_EQ(to_metrics.status, 405);
  EXPECT_EQ(to_metrics.allow, "GET, HEAD");
  EXPECT_THAT(to_metrics.body, HasSubstr("POST is not allowed for /metrics; use GET, HEAD"));
  const http_response deletion =
      respond({.method = "DELETE", .path = "/log-level", .query = "", .body = ""}, node.sources());
  EXPECT_EQ(deletion.status, 405);
  EXPECT_EQ(deletion.allow, "GET, HEAD, POST");
}

TEST_F(admin_pages, an_unknown_path_is_404_and_names_the_pages) {
  const http_response response = get("/metric");
  EXPECT_EQ(response.status, 404);
  EXPECT_THAT(response.body, HasSubstr("no page /metric"));
  for (const admin_route& route : admin_routes()) EXPECT_THAT(response.body, HasSubstr(route.path));
  EXPECT_EQ(get("/livez/deeper").status, 404);
}

TEST_F(admin_pages, the_root_lists_every_page) {
  const std::string body = get("/").body;
  for (const admin_route& route : admin_routes()) {
    EXPECT_THAT(body, HasSubstr(route.path));
    EXPECT_THAT(body, HasSubstr(route.help));
  }
}

TEST_F(admin_pages, a_source_that_throws_is_500) {
  admin_sources sources = node.sources();
  sources.peers = []() -> nlohmann::json { throw std::runtime_error("no peers today"); };
  const http_response response =
      respond({.method = "GET", .path = "/peers", .query = "", .body = ""}, sources);
  EXPECT_EQ(response.status, 500);
  EXPECT_EQ(response.body, "/peers failed: no peers today\n");
}

}  // namespace
}  // namespace weft
