// Seeded random texts: scanner and nlohmann_json must agree on every one, and on what the members hold.
#include <gtest/gtest.h>

#include "proto/envelope.hpp"
#include "tests/support/json_oracle.hpp"
#include "tests/support/random_json.hpp"

namespace weft::proto {
namespace {

using nlohmann::json;
using test::random_json;

constexpr int rounds = 20'000;

TEST(json_property, well_formed_texts_are_accepted_by_both) {
  random_json random(1);
  for (int i = 0; i < rounds; ++i) {
    const std::string text = random.value();
    ASSERT_EQ(validate(text, depth_limit).why, defect::none) << text;
    ASSERT_EQ(test::nlohmann_verdict(text), test::verdict::accepted) << text;
  }
}

TEST(json_property, damaged_texts_get_the_same_verdict_from_both) {
  random_json random(2);
  int rejected = 0;
  for (int i = 0; i < rounds; ++i) {
    const std::string text = random.damage(random.below(2) == 0 ? random.value() : random.message());
    ASSERT_EQ(test::disagreement(text), "") << text;
    rejected += validate(text, depth_limit).kind == scan_kind::rejected ? 1 : 0;
  }
  // Both outcomes must be common, else the property says little.
  EXPECT_GT(rejected, rounds / 4);
  EXPECT_LT(rejected, rounds * 19 / 20);
}

TEST(json_property, scan_and_validate_agree_on_what_is_json) {
  random_json random(3);
  envelope single;
  std::vector<envelope> batch;
  for (int i = 0; i < rounds; ++i) {
    std::string text = random.message();
    if (random.below(3) == 0) text = "[" + text + "," + random.value() + "]";
    if (random.below(2) == 0) text = random.damage(text);
    const scan_result scanned = scan(text, {}, single, batch);
    const scan_result validated = validate(text, depth_limit);
    const bool not_json = scanned.kind == scan_kind::rejected && is_parse_defect(scanned.why);
    ASSERT_EQ(not_json, validated.kind == scan_kind::rejected) << text;
    if (not_json) {
      ASSERT_EQ(scanned.why, validated.why) << text;
      ASSERT_EQ(scanned.offset, validated.offset) << text;
    }
  }
}

void expect_member(const json& parsed, const char* name, std::string_view raw) {
  if (raw.empty()) {
    ASSERT_TRUE(!parsed.contains(name) || parsed[name].is_null()) << name << " was not seen in " << parsed;
  } else {
    ASSERT_EQ(parsed.at(name), json::parse(raw));
  }
}

TEST(json_property, members_of_messages_hold_what_nlohmann_reads) {
  random_json random(4);
  envelope message;
  std::vector<envelope> batch;
  int valid = 0;
  for (int i = 0; i < rounds; ++i) {
    const std::string text = random.message();
    SCOPED_TRACE(text);
    ASSERT_EQ(scan(text, {.require_version = false}, message, batch).kind, scan_kind::single);
    if (message.kind == message_kind::invalid) continue;
    ++valid;
    const json parsed = json::parse(text);
    expect_member(parsed, "id", message.id);
    expect_member(parsed, "result", message.result);
    expect_member(parsed, "error", message.error);
    expect_member(parsed, "stream", message.stream);
    if (message.kind == message_kind::response) continue;
    expect_member(parsed, "params", message.params);
    std::string method;
    unescape(message.method, method);
    ASSERT_EQ(parsed.at("method"), method);
    if (!message.method_escaped) ASSERT_EQ(message.method, method);
  }
  EXPECT_GT(valid, rounds / 20);
}

}  // namespace
}  // namespace weft::proto
