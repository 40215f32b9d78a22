#include "node/config/loader.hpp"

#include <cstdio>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

namespace weft {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

config_text file(std::string text) {
  return {"weft.json", std::move(text)};
}

std::vector<std::string> errors_of(const config_sources& sources) {
  auto loaded = load_config(sources);
  return loaded ? std::vector<std::string>{} : loaded.error();
}

std::vector<std::string> file_errors(std::string text) {
  return errors_of({.file = file(std::move(text)), .environment = {}, .flags = {}});
}

std::string origin_of(const loaded_config& config, std::string_view key) {
  for (std::size_t i = 0; i < option_table().size(); ++i)
    if (option_table()[i].key == key) return config.origins[i];
  return "no such key";
}

TEST(load_config, without_sources_gives_the_defaults) {
  const auto config = load_config({});
  ASSERT_TRUE(config);
  EXPECT_EQ(config->options.node.listen, (std::vector{net_address{{"127.0.0.1", 7400}}}));
  EXPECT_EQ(config->options.node.admin, (host_port{"127.0.0.1", 9464}));
  EXPECT_THAT(config->origins, testing::Each("default"));
}

TEST(load_config, flag_over_environment_over_file_over_default) {
  const auto config = load_config({
      .file = file(R"({"id": "file", "limits": {"depth": 10, "batch_size": 11}, "demo": true})"),
      .environment = {{"WEFT_ID", "environment"}, {"WEFT_LIMITS_DEPTH", "20"}},
      .flags = {{"--id", {"flag"}}},
  });
  ASSERT_TRUE(config) << config.error().front();
  EXPECT_EQ(config->options.node.id, "flag");
  EXPECT_EQ(config->options.node.limits.depth, 20u);
  EXPECT_EQ(config->options.node.limits.batch_size, 11u);
  EXPECT_TRUE(config->options.node.demo);
  EXPECT_EQ(config->options.node.limits.connections, limit_options{}.connections);
  EXPECT_EQ(origin_of(*config, "id"), "flag --id");
  EXPECT_EQ(origin_of(*config, "limits.depth"), "environment variable WEFT_LIMITS_DEPTH");
  EXPECT_EQ(origin_of(*config, "limits.batch_size"), "file \"weft.json\"");
  EXPECT_EQ(origin_of(*config, "limits.connections"), "default");
}

TEST(load_config, peers_come_as_array_as_list_or_repeated_and_replace_each_other) {
  const std::vector<std::string> b_and_c{"b=[::1]:7401", "c=c:7402"};
  const auto from_file = load_config(
      {.file = file(R"({"peers": ["b=[::1]:7401", "c=c:7402"]})"), .environment = {}, .flags = {}});
  ASSERT_TRUE(from_file) << from_file.error().front();
  EXPECT_EQ(from_file->options.node.mesh.peers, b_and_c);

  const auto from_environment = load_config({.file = file(R"({"peers": ["d=d:1"]})"),
                                             .environment = {{"WEFT_PEERS", "b=[::1]:7401, c=c:7402"}},
                                             .flags = {}});
  ASSERT_TRUE(from_environment) << from_environment.error().front();
  EXPECT_EQ(from_environment->options.node.mesh.peers, b_and_c);

  const auto from_flags = load_config(
      {.file = {}, .environment = {{"WEFT_PEERS", ""}}, .flags = {{"--peer", {"b=[::1]:7401", "c=c:7402"}}}});
  ASSERT_TRUE(from_flags) << from_flags.error().front();
  EXPECT_EQ(from_flags->options.node.mesh.peers, b_and_c);
}

TEST(load_config, files_may_have_comments) {
  const auto config =
      load_config({.file = file("{\n  // who\n  \"id\": \"a\" /* me */\n}"), .environment = {}, .flags = {}});
  ASSERT_TRUE(config) << config.error().front();
  EXPECT_EQ(config->options.node.id, "a");
}

TEST(load_config, reports_every_mistake_of_every_source_also_of_overridden_ones) {
  const auto errors = errors_of({
      .file = file(R"({"limits": {"frame_bytes": "2GiB", "dept": 3}, "drain_timeout": 10})"),
      .environment = {{"WEFT_LIMITS_DEPTH", "zero"}, {"WEFT_LISTN", "a:1"}, {"WEFT_CONFIG", "weft.json"}},
      .flags = {{"--limits-frame-bytes", {"1MiB"}}, {"--limits-frame-size", {}}, {"--admin", {"a:1", "b:2"}}},
  });
  EXPECT_THAT(errors,
              UnorderedElementsAre(
                  "file \"weft.json\": \"limits.dept\" is unknown; the nearest known key is \"limits.depth\"",
                  "file \"weft.json\": \"drain_timeout\" 10 has no unit; write a string such as \"200ms\"",
                  "file \"weft.json\", \"limits.frame_bytes\": 2GiB is out of range; use 64B to 1GiB",
                  "environment variable WEFT_LISTN: unknown; the nearest known one is WEFT_LISTEN",
                  "environment variable WEFT_LIMITS_DEPTH: \"zero\" is not a whole number; use 2 to 1024",
                  "flag --limits-frame-size: unknown; the nearest known one is --limits-frame-bytes",
                  "flag --admin: given 2 times; give it once"));
}

TEST(load_config, wrong_types_in_a_file_are_refused) {
  EXPECT_THAT(
      file_errors(R"({"id": 5, "reactors": "2", "demo": "true", "peers": "b=b:1", "limits": 3,
                              "log": {"level": ["info"]}, "listen": {"host": "a"},
                              "protocol": {"heartbeat_interval": null}})"),
      UnorderedElementsAre(HasSubstr("\"id\" is a number; write a string"),
                           HasSubstr("\"reactors\" is a string; write a whole number without quotes"),
                           HasSubstr("\"demo\" is a string; write true or false"),
                           HasSubstr("\"peers\" is a string; write an array of strings"),
                           HasSubstr("\"limits\" is a number; write an object with the section's keys"),
                           HasSubstr("\"log.level\" is an array; write a string"),
                           HasSubstr("\"listen\" is an object; write a string"),
                           HasSubstr("\"protocol.heartbeat_interval\" is a null; write a string such as")));
  EXPECT_THAT(file_errors(R"({"peers": [1]})"), ElementsAre(HasSubstr("something else than strings")));
  EXPECT_THAT(file_errors(R"({"limits": {"depth": 1.5}})"),
              ElementsAre(HasSubstr("a whole number without quotes")));
  EXPECT_THAT(file_errors(R"({"limits": {"depth": -1}})"),
              ElementsAre(HasSubstr("\"-1\" is not a whole number")));
  EXPECT_THAT(file_errors(R"({"limits": {"frame_bytes": 1048576}})"),
              ElementsAre(HasSubstr("1048576 has no unit; write a string such as \"1MiB\"")));
}

TEST(load_config, unknown_sections_are_searched_for_their_keys) {
  EXPECT_THAT(file_errors(R"({"limit": {"frame_bytes": "1MiB"}, "empty": {}})"),
              UnorderedElementsAre(HasSubstr("\"limit.frame_bytes\" is unknown; the nearest known key is "
                                             "\"limits.frame_bytes\""),
                                   HasSubstr("\"empty\" is unknown")));
}

TEST(load_config, a_file_that_is_no_object_or_no_json_says_where) {
  EXPECT_THAT(file_errors("[]"), ElementsAre("file \"weft.json\": is a JSON array; write an object"));
  EXPECT_THAT(file_errors("{\n  \"id\": a\n}"),
              ElementsAre(AllOf(HasSubstr("line 2, column"), HasSubstr("write JSON, comments are allowed"))));
  EXPECT_THAT(file_errors(""), ElementsAre(HasSubstr("file \"weft.json\": parse error")));
}

TEST(load_config, a_key_that_stands_twice_is_refused) {
  EXPECT_THAT(file_errors(R"({"id": "a", "limits": {"depth": 3}, "id": "b"})"),
              ElementsAre("file \"weft.json\": \"id\" stands twice in one object; give it once"));
  EXPECT_THAT(file_errors(R"({"log": {"level": "info"}, "limits": {"depth": 3}})"), testing::IsEmpty());
}

TEST(load_config, a_deeply_nested_file_is_one_mistake) {
  const std::string deep(200'000, '[');
  EXPECT_THAT(file_errors("{\"a\":" + deep + std::string(200'000, ']') + "}"),
              ElementsAre(HasSubstr("\"a\" is unknown")));
  std::string objects;
  for (int i = 0; i < 20'000; ++i) objects += "{\"a\":";
  EXPECT_THAT(file_errors(objects + "1" + std::string(20'000, '}')), ElementsAre(HasSubstr("is unknown")));
}

TEST(load_config, rules_between_options_name_both_values_and_their_origins) {
  EXPECT_THAT(
      errors_of({.file = {}, .environment = {{"WEFT_MESH_RECONNECT_MAX", "50ms"}}, .flags = {}}),
      ElementsAre(
          "mesh.reconnect_initial \"100ms\" (default) exceeds mesh.reconnect_max \"50ms\" (environment "
          "variable WEFT_MESH_RECONNECT_MAX); it must not"));
  EXPECT_THAT(
      errors_of({.file = {}, .environment = {}, .flags = {{"--limits-output-hard-bytes", {"512KiB"}}}}),
      UnorderedElementsAre(HasSubstr("limits.output_soft_bytes"), HasSubstr("limits.frame_bytes")));
  EXPECT_THAT(errors_of({.file = {}, .environment = {}, .flags = {{"--id", {"b"}}, {"--peer", {"b=b:1"}}}}),
              ElementsAre(HasSubstr("is also this node's own id")));
  EXPECT_THAT(errors_of({.file = {}, .environment = {}, .flags = {{"--tracing-queue-spans", {"100"}}}}),
              ElementsAre(HasSubstr("exceeds tracing.queue_spans")));
}

TEST(load_config, variables_that_kubernetes_sets_are_explained) {
  EXPECT_THAT(errors_of({.file = {}, .environment = {{"WEFT_SERVICE_HOST", "10.0.0.1"}}, .flags = {}}),
              ElementsAre(HasSubstr("set enableServiceLinks: false")));
}

TEST(print_config, is_a_file_that_gives_the_same_configuration) {
  const auto config = load_config({
      .file = file(R"({"limits": {"frame_bytes": "1536KiB"}, "protocol": {"require_version": false}})"),
      .environment = {{"WEFT_DRAIN_TIMEOUT", "1500ms"}},
      .flags = {{"--peer", {"b=[::1]:7401", "c=c:7402"}}, {"--demo", {"true"}}},
  });
  ASSERT_TRUE(config) << config.error().front();
  const std::string printed = print_config(*config);
  EXPECT_THAT(printed,
              HasSubstr("\"drain_timeout\": \"1500ms\",  // environment variable WEFT_DRAIN_TIMEOUT\n"));
  EXPECT_THAT(printed, HasSubstr("    \"frame_bytes\": \"1536KiB\",  // file \"weft.json\"\n"));
  EXPECT_THAT(printed, HasSubstr("\"demo\": true,  // flag --demo\n"));
  EXPECT_THAT(printed, HasSubstr("\"listen\": \"127.0.0.1:7400\",  // default\n"));

  const auto again = load_config({.file = file(printed), .environment = {}, .flags = {}});
  ASSERT_TRUE(again) << again.error().front();
  for (const option& row : option_table())
    EXPECT_EQ(value_of(row, again->options), value_of(row, config->options)) << row.key;
  EXPECT_THAT(again->origins, testing::Each("file \"weft.json\""));
}

TEST(secrets, are_redacted_wherever_configuration_is_shown) {
  option row = option_table().front();
  ASSERT_EQ(row.key, "id");
  row.secret = true;
  const std::vector<option> table{row};
  const auto config = load_config({.file = {}, .environment = {{"WEFT_ID", "hunter2"}}, .flags = {}}, table);
  ASSERT_TRUE(config);
  EXPECT_EQ(config->options.node.id, "hunter2");
  EXPECT_EQ(print_config(*config, table),
            "{\n  \"id\": \"<redacted>\"  // environment variable WEFT_ID\n}\n");
  EXPECT_EQ(config_json(*config, table).dump().find("hunter2"), std::string::npos);
}

TEST(config_json, has_values_in_sections_and_origins_by_key) {
  const auto config = load_config({.file = {}, .environment = {{"WEFT_LIMITS_DEPTH", "7"}}, .flags = {}});
  ASSERT_TRUE(config);
  const auto shown = config_json(*config);
  EXPECT_EQ(shown["values"]["limits"]["depth"], 7);
  EXPECT_EQ(shown["values"]["listen"], "127.0.0.1:7400");
  EXPECT_EQ(shown["origins"]["limits.depth"], "environment variable WEFT_LIMITS_DEPTH");
  EXPECT_EQ(shown["origins"].size(), option_table().size());
}

TEST(read_config_file, reads_a_file_and_explains_what_it_cannot_read) {
  const std::filesystem::path folder = std::filesystem::path{testing::TempDir()} / "weft-config-file-test";
  std::filesystem::create_directories(folder);
  const std::string path = folder / "weft.json";
  std::ofstream{path} << "{}";
  const auto read = read_config_file(path);
  ASSERT_TRUE(read) << read.error();
  EXPECT_EQ(read->text, "{}");
  EXPECT_THAT(read_config_file(path + ".not").error(),
              AllOf(HasSubstr("weft.json.not"), HasSubstr("No such file"), HasSubstr("name a JSON file")));
  EXPECT_THAT(read_config_file(folder).error(), HasSubstr("Is a directory"));
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace weft
