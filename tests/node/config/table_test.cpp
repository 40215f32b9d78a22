#include "node/config/table.hpp"

#include <algorithm>
#include <set>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "node/config/nearest.hpp"

namespace weft {
namespace {

using testing::ElementsAre;
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

std::string as_it_is(std::string_view key) {
  return std::string{key};
}

TEST(option_table, a_handover_longer_than_the_drain_is_a_mistake_only_where_it_was_given) {
  program_options options;
  options.node.drain_timeout = std::chrono::milliseconds(500);
  const auto given = [](bool is) { return [is](std::string_view) { return is; }; };
  EXPECT_THAT(check_together(options, as_it_is, given(false)), testing::IsEmpty());
  EXPECT_THAT(check_together(options, as_it_is, given(true)),
              testing::ElementsAre(HasSubstr("drain_handover exceeds drain_timeout")));
  options.node.drain_handover = options.node.drain_timeout;
  EXPECT_THAT(check_together(options, as_it_is, given(true)), testing::IsEmpty());
}

TEST(option_table, the_defaults_satisfy_the_rules_between_options) {
  EXPECT_THAT(check_together({}, as_it_is, [](std::string_view) { return true; }), testing::IsEmpty());
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

class rules : public testing::TestWithParam<std::string_view> {
 protected:
  const option& row() const { return row_of(GetParam()); }
  std::string rule(std::string_view pattern) const {
    return std::string(pattern) + (GetParam() == "balance.rules" ? "=p2c" : "=60");
  }
  std::string complaint(const std::vector<std::string>& texts) {
    const auto done = assign(row(), options, texts);
    return done ? "" : done.error();
  }

  program_options options;
};

TEST_P(rules, are_for_a_name_a_prefix_or_every_method) {
  EXPECT_EQ(complaint({rule("users.get"), rule("users.*"), rule("a.b.*"), rule("*")}), "");
  EXPECT_EQ(value_of(row(), options).size(), 4U);
}

TEST_P(rules, patterns_of_other_forms_are_refused_with_what_would_be_right) {
  for (const auto* pattern : {"t*", "users*", "users.g*", "*.get", "us*rs.get", "users.**", "**", ".*"}) {
    EXPECT_THAT(complaint({rule(pattern)}), testing::StartsWith('"' + rule(pattern) + "\": \"" + pattern +
                                                                "\" is no pattern of methods"));
  }
  EXPECT_THAT(complaint({rule("t*")}), HasSubstr("use an exact name, prefix.*, such as t.*, or * for every"));
  EXPECT_THAT(complaint({rule("*.get")}), HasSubstr("use an exact name, prefix.* or * for every method"));
  EXPECT_THAT(complaint({"=60"}), HasSubstr("METHOD a name, prefix.* or *"));
}

TEST_P(rules, one_that_an_earlier_one_covers_is_refused) {
  for (const auto& [first, second] : {std::pair{"*", "users.get"}, std::pair{"*", "users.*"},
                                      std::pair{"users.*", "users.get"}, std::pair{"users.*", "users.a.*"}}) {
    EXPECT_THAT(complaint({rule(first), rule(second)}),
                HasSubstr('"' + rule(second) + "\" never counts, because \"" + rule(first) +
                          "\" stands before it and covers all of it; put the narrower rule first"));
    EXPECT_EQ(complaint({rule(second), rule(first)}), "");
  }
  EXPECT_THAT(complaint({rule("a"), rule("b"), rule("a")}), HasSubstr("give each METHOD once"));
  EXPECT_EQ(complaint({rule("users.*"), rule("users")}), "") << "a prefix ends with its full stop";
}

INSTANTIATE_TEST_SUITE_P(options, rules,
                         testing::Values("balance.rules", "hedge.rules", "limits.method_in_flight"),
                         [](const auto& info) {
                           std::string name(info.param);
                           std::ranges::replace(name, '.', '_');
                           return name;
                         });

TEST(single_options, may_be_given_once_only) {
  program_options options;
  EXPECT_THAT(assign(row_of("admin"), options, std::vector<std::string>{"a:1", "b:2"}).error(),
              HasSubstr("given 2 times; give it once"));
}

TEST(listeners, are_one_or_several_plain_or_over_tls) {
  program_options options;
  const auto set = [&](std::vector<std::string> texts) { return assign(row_of("listen"), options, texts); };
  ASSERT_TRUE(set({"a:1", "tls://b:2", "tcp://c:3"}));
  EXPECT_THAT(options.node.listen, ElementsAre(net_address{{"a", 1}, false}, net_address{{"b", 2}, true},
                                               net_address{{"c", 3}, false}));
  EXPECT_EQ(value_of(row_of("listen"), options).dump(), R"(["a:1","tls://b:2","c:3"])");
  ASSERT_TRUE(set({"tls://b:2"}));
  EXPECT_EQ(value_of(row_of("listen"), options).dump(), R"("tls://b:2")");
  EXPECT_THAT(set({"a:1", "tls://a:1"}).error(), HasSubstr("\"tls://a:1\" is given twice"));
  EXPECT_THAT(set({"unix://a:1"}).error(), HasSubstr("write tcp://HOST:PORT or tls://HOST:PORT"));
  EXPECT_THAT(set({}).error(), HasSubstr("no address is given"));
  EXPECT_EQ(options.node.listen.size(), 1U) << "what is refused changes nothing";
}

TEST(names_of_certificates, are_whole_names) {
  program_options options;
  ASSERT_TRUE(
      assign(row_of("tls.node_names"), options, std::vector<std::string>{"b.example", "spiffe://mesh/node"}));
  EXPECT_THAT(options.node.tls.node_names, ElementsAre("b.example", "spiffe://mesh/node"));
  EXPECT_THAT(assign(row_of("tls.node_names"), options, std::vector<std::string>{"*.example"}).error(),
              HasSubstr("is no name of a certificate"));
}

TEST(nearest_name, is_the_one_with_the_fewest_edits) {
  const std::vector<std::string> names{"limits.depth", "limits.frame_bytes", "listen"};
  EXPECT_EQ(nearest_name("limits.framebytes", names), "limits.frame_bytes");
  EXPECT_EQ(nearest_name("LIMITS-DEPTHS", names), "limits.depth");
  EXPECT_EQ(nearest_name("lisen", names), "listen");
  EXPECT_EQ(nearest_name("", names), "listen");
  EXPECT_EQ(nearest_name("x", {}), "");
}

TEST(near_name, is_one_that_may_have_been_meant) {
  const std::vector<std::string> flags{"--help", "--json", "--timeout"};
  EXPECT_EQ(near_name("--jsn", flags), "--json");
  EXPECT_EQ(near_name("--timout", flags), "--timeout");
  EXPECT_EQ(near_name("--bogus", flags), "");
  EXPECT_EQ(near_name("--", flags), "");
  EXPECT_EQ(near_name("x", {}), "");
  EXPECT_EQ(suggestion("--jsn", flags), "; the nearest known one is --json");
  EXPECT_EQ(suggestion("--bogus", flags, "; see --help"), "; see --help");
}

}  // namespace
}  // namespace weft
