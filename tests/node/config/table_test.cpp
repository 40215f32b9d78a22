#include "node/config/table.hpp"

#include <set>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "node/config/nearest.hpp"

namespace weft {
namespace {

using testing::HasSubstr;
using testing::Not;

const option& row_of(std::string_view key) {
  for (const option& row : option_table())
    if (row.key == key) return row;
  throw std::out_of_range(std::string{key});
}

std::vector<std::string> texts_of(const nlohmann::json& value) {
  if (value.is_array()) return value.get<std::vector<std::string>>();
  return {value.is_string() ? value.get<std::string>() : value.dump()};
}

TEST(option_table, names_are_unique_and_sections_stand_together) {
  std::set<std::string> names;
  std::set<std::string> closed_sections;
  std::string section;
  for (const option& row : option_table()) {
    EXPECT_TRUE(names.insert(std::string{row.key}).second) << row.key;
    EXPECT_TRUE(names.insert(flag_name(row)).second) << row.key;
    EXPECT_TRUE(names.insert(variable_name(row)).second) << row.key;
    const std::string of_row{row.key.substr(0, row.key.contains('.') ? row.key.find('.') : 0)};
    if (of_row != section) {
      EXPECT_TRUE(closed_sections.insert(of_row).second) << row.key;
      section = of_row;
    }
  }
}

TEST(option_table, every_default_is_within_its_own_range_and_round_trips) {
  for (const option& row : option_table()) {
    program_options options;
    const auto before = value_of(row, options);
    const auto done = assign(row, options, texts_of(before));
    EXPECT_TRUE(done) << row.key << ": " << (done ? "" : done.error());
    EXPECT_EQ(value_of(row, options), before) << row.key;
    EXPECT_FALSE(row.help.empty()) << row.key;
  }
}

TEST(option_table, no_two_rows_share_a_member) {
  for (const option& row : option_table()) {
    program_options options;
    for (const option& other : option_table()) {
      if (row.key == other.key) continue;
      const auto address = [&](const option& each) {
        return std::visit([&](auto member) -> const void* { return &member(options); }, each.member);
      };
      EXPECT_NE(address(row), address(other)) << row.key << " and " << other.key;
    }
  }
}

TEST(option_table, the_defaults_satisfy_the_rules_between_options) {
  EXPECT_THAT(check_together({}, [](std::string_view key) { return std::string{key}; }), testing::IsEmpty());
}

TEST(option_names, are_made_from_the_key) {
  EXPECT_EQ(flag_name(row_of("limits.frame_bytes")), "--limits-frame-bytes");
  EXPECT_EQ(variable_name(row_of("limits.frame_bytes")), "WEFT_LIMITS_FRAME_BYTES");
  EXPECT_EQ(flag_name(row_of("peers")), "--peer");
  EXPECT_EQ(flag_name(row_of("listen")), "--listen");
}

struct bounds {
  std::string key;
  std::vector<std::string> accepted;
  /// Texts, and what is said about them.
  std::vector<std::pair<std::string, std::string>> refused;
};

const bounds bounds_of_options[] = {
    {"limits.frame_bytes",
     {"64B", "1GiB"},
     {{"63B", "63B is out of range; use 64B to 1GiB"},
      {"1025MiB", "out of range; use 64B to 1GiB"},
      {"1024", "1024"},
      {"1parsec", "parsec"}}},
    {"limits.depth",
     {"2"},
     {{"1", "1 is out of range; use 2 to 1024"},
      {"18446744073709551616", "out of range; use 2 to 1024"},
      {"-3", "\"-3\" is not a whole number; use 2 to 1024"},
      {"64.0", "is not a whole number"},
      {"", "is not a whole number"}}},
    {"drain_timeout",
     {"0s", "1h"},
     {{"3600001ms", "3600001ms is out of range; use 0s to 1h"},
      {"10", "10"},
      {"1500us", "finer than a millisecond; use whole milliseconds"}}},
    {"reactor.poll_window",
     {"0s", "50us"},
     {{"1001us", "1001us is out of range; use 0s to 1ms"},
      {"1500ns", "finer than a microsecond; use whole microseconds"}}},
    {"log.level", {}, {{"warning", "\"warning\" is not allowed; use one of trace, debug, info, warn"}}},
    {"tracing.sample_ratio",
     {"0", "1e-3", "1.0"},
     {{"1.01", "1.01 is out of range; use 0 to 1"},
      {"-0.1", "out of range; use 0 to 1"},
      {"nan", "out of range; use 0 to 1"},
      {"1%", "\"1%\" is not a number; use 0 to 1"}}},
    {"tracing.endpoint",
     {"http://127.0.0.1:4318/v1/traces"},
     {{"127.0.0.1:4318", "write one such as http://127.0.0.1:4318/v1/traces"}}},
    {"log.calls", {}, {{"some", "use one of off, errors, all"}}},
    {"demo", {}, {{"yes", "\"yes\" is not a truth value; use true or false"}}},
    {"id", {""}, {{"a/b", "\"a/b\" is not a name"}}},
    {"listen", {}, {{"localhost", "\"localhost\" has no port"}}},
};

TEST(bounds, are_inclusive) {
  for (const auto& [key, accepted, refused] : bounds_of_options) {
    for (const std::string& text : accepted) {
      program_options options;
      const auto done = assign(row_of(key), options, std::vector{text});
      EXPECT_TRUE(done) << key << "=" << text << ": " << done.error();
    }
  }
}

TEST(bounds, are_named_and_what_is_beyond_them_changes_nothing) {
  for (const auto& [key, accepted, refused] : bounds_of_options) {
    for (const auto& [text, complaint] : refused) {
      program_options options;
      const auto before = value_of(row_of(key), options);
      const auto done = assign(row_of(key), options, std::vector{text});
      ASSERT_FALSE(done) << key << "=" << text;
      EXPECT_THAT(done.error(), HasSubstr(complaint));
      EXPECT_EQ(value_of(row_of(key), options), before) << key << "=" << text;
    }
  }
}

TEST(peers, complaints_about_all_of_them_are_reported) {
  program_options options;
  const std::vector<std::string> texts{"b=b:1", "c", "b=c:2", "d=d:x"};
  const auto done = assign(row_of("peers"), options, texts);
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error(), HasSubstr("\"c\" names no peer"));
  EXPECT_THAT(done.error(), HasSubstr("peer \"b\" is named twice"));
  EXPECT_THAT(done.error(), HasSubstr("the port \"x\""));
  EXPECT_TRUE(options.node.mesh.peers.empty());
}

TEST(single_options, may_be_given_once_only) {
  program_options options;
  EXPECT_THAT(assign(row_of("listen"), options, std::vector<std::string>{"a:1", "b:2"}).error(),
              HasSubstr("given 2 times; give it once"));
}

TEST(nearest_name, is_the_one_with_the_fewest_edits) {
  const std::vector<std::string> names{"limits.depth", "limits.frame_bytes", "listen"};
  EXPECT_EQ(nearest_name("limits.framebytes", names), "limits.frame_bytes");
  EXPECT_EQ(nearest_name("LIMITS-DEPTHS", names), "limits.depth");
  EXPECT_EQ(nearest_name("lisen", names), "listen");
  EXPECT_EQ(nearest_name("", names), "listen");
  EXPECT_EQ(nearest_name("x", {}), "");
}

}  // namespace
}  // namespace weft
