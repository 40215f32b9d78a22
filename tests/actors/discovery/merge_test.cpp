#include "actors/discovery/merge.hpp"

#include <gmock/gmock.h>

namespace weft {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Key;

listed_node node(std::string name, std::string host) {
  return {std::move(name), {host, 1}, {host, 1}};
}

bool nothing_known(const std::string&) {
  return false;
}

TEST(merge, dials_every_address_once_and_tells_who_lists_it) {
  const node_listing first{node("b", "10.0.0.2"), node("c", "10.0.0.3")};
  const node_listing second{node("", "10.0.0.2"), node("", "10.0.0.2"), node("also-b", "10.0.0.2")};
  const auto merged =
      merge(std::vector<listed_by>{{"one", true, first}, {"two", true, second}}, 10, nothing_known);
  ASSERT_THAT(merged.peers, ElementsAre(Key("10.0.0.2:1"), Key("10.0.0.3:1")));
  const auto& b = merged.peers.at("10.0.0.2:1");
  EXPECT_THAT(b.names, ElementsAre("b", "also-b"));
  EXPECT_THAT(b.sources, ElementsAre("one", "two"));
  EXPECT_EQ(b.label(), "b");
  EXPECT_EQ(merged.ignored, 0U);
}

TEST(merge, knows_an_address_in_every_spelling) {
  const node_listing nodes{node("b", "::1"), node("", "0:0:0:0:0:0:0:1"), node("", "host")};
  const auto merged = merge(std::vector<listed_by>{{"one", true, nodes}}, 10, nothing_known);
  EXPECT_THAT(merged.peers, ElementsAre(Key("[::1]:1"), Key("host:1")));
  EXPECT_EQ(merged.peers.at("host:1").label(), "host:1");
}

TEST(merge, gives_a_name_to_the_first_address_that_has_it) {
  const node_listing first{node("b", "10.0.0.9")};
  const node_listing second{node("b", "10.0.0.2"), node("c", "10.0.0.2")};
  const auto merged =
      merge(std::vector<listed_by>{{"one", true, first}, {"two", true, second}}, 10, nothing_known);
  EXPECT_THAT(merged.peers.at("10.0.0.9:1").names, ElementsAre("b"));
  EXPECT_THAT(merged.peers.at("10.0.0.2:1").names, ElementsAre("c"));
  EXPECT_THAT(merged.ambiguous, ElementsAre("b"));
}

TEST(merge, keeps_to_the_limit_but_drops_nobody_for_somebody_new) {
  const node_listing nodes{node("", "10.0.0.1"), node("", "10.0.0.2"), node("", "10.0.0.3"),
                           node("", "10.0.0.1")};
  const auto merged = merge(std::vector<listed_by>{{"one", true, nodes}}, 2,
                            [](const std::string& key) { return key == "10.0.0.3:1"; });
  EXPECT_THAT(merged.peers, ElementsAre(Key("10.0.0.1:1"), Key("10.0.0.3:1")));
  EXPECT_EQ(merged.ignored, 1U);
}

TEST(merge, does_not_limit_what_the_configuration_names) {
  const node_listing named{node("b", "10.0.0.1"), node("c", "10.0.0.2")};
  const node_listing found{node("", "10.0.0.2"), node("", "10.0.0.3")};
  const auto merged =
      merge(std::vector<listed_by>{{"named", false, named}, {"found", true, found}}, 1, nothing_known);
  EXPECT_THAT(merged.peers, ElementsAre(Key("10.0.0.1:1"), Key("10.0.0.2:1"), Key("10.0.0.3:1")));
  EXPECT_EQ(merged.ignored, 0U);
}

TEST(merge, of_nothing_is_nothing) {
  EXPECT_THAT(merge({}, 1, nothing_known).peers, IsEmpty());
}

}  // namespace
}  // namespace weft
