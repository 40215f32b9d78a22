#include "actors/discovery/source.hpp"

#include <cstdio>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <sys/stat.h>

namespace weft {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

listed_node node(std::string name, host_port address) {
  return {std::move(name), address, address};
}

TEST(open_source, knows_each_kind_by_its_scheme) {
  for (const auto& [text, kind] : {std::pair{"b=[::1]:7401", "static"}, std::pair{"dns://weft:7400", "dns"},
                                   std::pair{"file:///etc/weft/peers.json", "file"}}) {
    const auto opened = open_source(text, {});
    ASSERT_TRUE(opened) << opened.error();
    EXPECT_EQ(opened->kind->name, kind);
    EXPECT_EQ(opened->text, text);
  }
}

struct refusal {
  std::string text;
  std::string complaint;
};

class refused_sources : public testing::TestWithParam<refusal> {};

TEST_P(refused_sources, say_what_is_wrong) {
  const auto opened = open_source(GetParam().text, {});
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error(), AllOf(HasSubstr(GetParam().complaint), HasSubstr('"' + GetParam().text + '"')));
}

INSTANTIATE_TEST_SUITE_P(
    sources, refused_sources,
    testing::Values(
        refusal{"b", "write NAME=HOST:PORT"},
        refusal{"consul://x:1", "write NAME=HOST:PORT or [NAME=]tls://HOST:PORT or dns://NAME:PORT"},
        refusal{"dns://weft", "has no port; write dns://NAME:PORT"},
        refusal{"dns://:7400", "the host is missing"}, refusal{"dns://weft:0", "from 1 to 65535"},
        refusal{"dns://weft:7400/", "from 0 to 65535"}, refusal{"dns://we ft:1", "not a host name"},
        refusal{"b=dns://weft:7400", "is given no name; write dns://weft:7400"},
        refusal{"b=http://weft:7400", "http:// is no source of peers; write NAME=HOST:PORT"},
        refusal{"file://peers.json", "not the absolute path"}, refusal{"file:///", "not the absolute path"},
        refusal{"file://", "not the absolute path"}));

TEST(sources, say_what_is_dialled_over_tls) {
  const host_port at{"b.example", 7443};
  EXPECT_THAT(*open_source("b=tls://b.example:7443", {})->source->look(),
              ElementsAre(listed_node{"b", at, at, true}));
  EXPECT_THAT(*open_source("tls://b.example:7443", {})->source->look(),
              ElementsAre(listed_node{"", at, at, true}));
  EXPECT_THAT(*open_source("b=tcp://b.example:7443", {})->source->look(),
              ElementsAre(listed_node{"b", at, at, false}));
  EXPECT_THAT(*open_source("dns+tls://127.0.0.5:7443", {})->source->look(),
              ElementsAre(listed_node{"", {"127.0.0.5", 7443}, {"127.0.0.5", 7443}, true}));
  EXPECT_THAT(*parse_listing(R"([{"name": "c", "address": "tls://10.0.0.3:7443"}])"),
              ElementsAre(listed_node{"c", {"10.0.0.3", 7443}, {"10.0.0.3", 7443}, true}));
}

TEST(static_source, lists_its_node) {
  EXPECT_THAT(*open_source("b=host:7401", {})->source->look(), ElementsAre(node("b", {"host", 7401})));
}

TEST(dns_source, lists_addresses_and_is_known_by_its_name) {
  // A number is its own address: no name server is asked.
  EXPECT_THAT(*open_source("dns://127.0.0.5:7400", {})->source->look(),
              ElementsAre(listed_node{"", {"127.0.0.5", 7400}, {"127.0.0.5", 7400}}));
  // Malformed, so that no name server is asked either.
  const auto failed = open_source("dns://no..such..host:7400", {})->source->look();
  ASSERT_FALSE(failed);
  EXPECT_THAT(failed.error(), HasSubstr("no..such..host"));
}

TEST(listing, holds_addresses_and_named_addresses) {
  EXPECT_THAT(*parse_listing(R"(["10.0.0.2:7400", {"name": "c", "address": "[::1]:7401"}, // not for long
                                 {"address": "d:1"}])"),
              ElementsAre(node("", {"10.0.0.2", 7400}), node("c", {"::1", 7401}), node("", {"d", 1})));
  EXPECT_THAT(*parse_listing("[]"), IsEmpty());
}

class refused_listings : public testing::TestWithParam<refusal> {};

TEST_P(refused_listings, say_what_is_wrong) {
  const auto parsed = parse_listing(GetParam().text);
  ASSERT_FALSE(parsed);
  EXPECT_THAT(parsed.error(), HasSubstr(GetParam().complaint));
}

INSTANTIATE_TEST_SUITE_P(
    listings, refused_listings,
    testing::Values(refusal{"", "is no JSON"}, refusal{"[", "is no JSON"},
                    refusal{"{}", "is a JSON object; write a JSON list"},
                    refusal{R"(["a:1", 7])", "entry 2: is a number"},
                    refusal{R"(["a"])", "entry 1: \"a\" has no port"},
                    refusal{R"(["a:0"])", "from 1 to 65535"},
                    refusal{R"([{"name": "a"}])", "\"address\" is missing"},
                    refusal{R"([{"name": 5, "address": "a:1"}])", "\"name\" is not a string"},
                    refusal{R"([{"name": "", "address": "a:1"}])", "the name is empty"},
                    refusal{R"([{"adress": "a:1"}])", "\"adress\" is unknown"},
                    refusal{R"([{"name": "a", "address": "a:1"}, {"name": "a", "address": "b:1"}])",
                            "entry 2: the name \"a\" stands twice"}));

class file_source_test : public testing::Test {
 protected:
  file_source_test() {
    std::string pattern = testing::TempDir() + "weft-peers-XXXXXX";
    folder_ = mkdtemp(pattern.data());
  }
  ~file_source_test() override { std::filesystem::remove_all(folder_); }

  void write(const std::string& text) const { std::ofstream(path()) << text; }
  std::string path() const { return folder_ / "peers.json"; }
  opened_source open(const peer_options& options = {}) const {
    return *open_source("file://" + path(), options);
  }

 private:
  std::filesystem::path folder_;
};

TEST_F(file_source_test, sees_a_change_of_equal_length_in_the_same_instant) {
  write(R"(["a:1"])");
  const auto source = open();
  EXPECT_THAT(*source.source->look(), ElementsAre(node("", {"a", 1})));
  write(R"(["b:2"])");
  EXPECT_THAT(*source.source->look(), ElementsAre(node("", {"b", 2})));
}

TEST_F(file_source_test, fails_for_what_is_no_file) {
  const auto source = open();
  EXPECT_THAT(source.source->look().error(), HasSubstr("No such file"));
  ASSERT_EQ(::mkfifo(path().c_str(), 0600), 0);
  EXPECT_THAT(source.source->look().error(), HasSubstr("is not a regular file"));
}

TEST_F(file_source_test, is_limited_in_size_by_the_number_of_nodes) {
  peer_options options;
  options.max_discovered_nodes = 100;
  write(std::string(100 * 1024 - 2, ' ') + "[]");
  EXPECT_THAT(*open(options).source->look(), IsEmpty());
  write(std::string(100 * 1024 - 1, ' ') + "[]");
  EXPECT_THAT(open(options).source->look().error(),
              HasSubstr("102400 bytes that mesh.max_discovered_nodes allows"));
}

}  // namespace
}  // namespace weft
