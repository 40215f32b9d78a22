#include "actors/registry/session_messages.hpp"

#include <gmock/gmock.h>

namespace weft {
namespace {

using nlohmann::json;
using testing::HasSubstr;

/// Every kind of JSON value, at its edges.
const json values =
    json::parse(R"([null, true, 0, 1, -1, 0.5, 1e300, "", "x", [], {}, [1], {"a": 1}, 18446744073709551615,
                                   [[null]], -9223372036854775808])");

const limit_options limits;

TEST(session_messages, no_member_of_any_type_makes_reading_throw) {
  const auto connect =
      json::parse(R"({"name": "n", "instance": "i", "node": "b", "incarnation": "x", "token": "t",
      "heartbeat_ms": 100, "serves": ["a.b"], "limits": {"frame_bytes": 1024, "link_frame_bytes": 2048}})");
  const auto routes = json::parse(
      R"({"seq": 1, "reset": true, "remove": ["a.b"], "add": [{"method": "a.b", "instances": 2}]})");
  const auto goaway = json::parse(R"({"reason": "r", "deadline_ms": 1, "handover_ms": 1})");
  EXPECT_TRUE(read_connect(connect, limits));
  EXPECT_TRUE(read_connected(connect));
  EXPECT_TRUE(read_routes(routes, limits));
  EXPECT_TRUE(read_goaway(goaway));
  for (const auto& value : values) {
    const auto read_all = [&](const json& params) {
      std::ignore = read_connect(params, limits);
      std::ignore = read_connected(params);
      std::ignore = read_routes(params, limits);
      std::ignore = read_goaway(params);
    };
    EXPECT_NO_THROW(read_all(value)) << value;
    for (const auto& whole : {connect, routes, goaway}) {
      for (const auto& [name, usual] : whole.items()) {
        auto changed = whole;
        changed[name] = value;
        EXPECT_NO_THROW(read_all(changed)) << changed;
        changed[name] = json::array({value});
        EXPECT_NO_THROW(read_all(changed)) << changed;
        changed[name] = {{"method", value}, {"instances", value}, {"frame_bytes", value}};
        EXPECT_NO_THROW(read_all(changed)) << changed;
      }
    }
  }
}

TEST(read_routes, names_what_was_wrong) {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"seq": "x"})", "'seq'"},
      {"{}", "absent"},
      {R"({"seq": -1})", "not -1"},
      {R"({"seq": 1, "reset": "yes"})", R"(not "yes")"},
      {R"({"seq": 1, "add": 7})", "'add' is an array of methods, not 7"},
      {R"({"seq": 1, "remove": [1]})", "'remove'"},
      {"[]", "named params"},
  };
  for (const auto& [params, words] : cases) {
    const auto read = read_routes(json::parse(params), limits);
    ASSERT_FALSE(read) << params;
    EXPECT_THAT(read.error(), HasSubstr(words));
  }
}

TEST(read_routes, leaves_out_single_entries) {
  const auto read = read_routes(
      json::parse(
          R"({"seq": 3, "add": ["a.b", 1, {"method": "c.d", "instances": 0}, {"method": "e.f", "instances": 4}]})"),
      limits);
  ASSERT_TRUE(read);
  ASSERT_EQ(read->added.size(), 2U);
  EXPECT_EQ(read->added[0].method.pattern, "a.b");
  EXPECT_EQ(read->added[1].instances, 4U);
  EXPECT_EQ(read->refused, 2U);
  EXPECT_THAT(read->complaint, HasSubstr("'serves'"));
}

}  // namespace
}  // namespace weft
