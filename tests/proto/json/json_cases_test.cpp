// The grammar case by case (json_cases.hpp): the verdicts, and that nlohmann_json comes to the same.
#include "tests/proto/json/json_cases.hpp"

#include <algorithm>
#include <span>
#include <string>

#include <gtest/gtest.h>

#include "proto/envelope.hpp"
#include "tests/support/json_oracle.hpp"

namespace weft::proto {
namespace {

using cases::accepted;
using cases::implementation_defined;
using cases::rejected;
using cases::rejected_case;

void expect_verdicts(std::span<const rejected_case> cases) {
  for (const auto& [text, why] : cases) {
    const scan_result outcome = validate(text, depth_limit);
    EXPECT_EQ(to_string(outcome.why), to_string(why)) << "text: " << text;
    EXPECT_EQ(outcome.kind == scan_kind::rejected, why != defect::none) << "text: " << text;
    EXPECT_LE(outcome.offset, text.size());
    EXPECT_EQ(test::disagreement(text), "") << "text: " << text;
  }
}

TEST(json_cases, accepted) {
  for (const std::string_view text : accepted) {
    EXPECT_EQ(to_string(validate(text, depth_limit).why), to_string(defect::none)) << text;
    EXPECT_EQ(test::disagreement(text), "") << text;
    // The same inside of a message, away from the ends of the text.
    const std::string message =
        R"({"jsonrpc":"2.0","id":1,"result":)" + std::string(text) + R"(,"more":[0]})";
    EXPECT_EQ(to_string(validate(message, depth_limit).why), to_string(defect::none)) << message;
  }
}

TEST(json_cases, rejected) {
  expect_verdicts(rejected);
}

TEST(json_cases, implementation_defined) {
  expect_verdicts(implementation_defined);
}

TEST(json_cases, rejected_inside_of_a_message_too) {
  envelope single;
  std::vector<envelope> batch;
  for (const rejected_case& each : rejected) {
    if (each.why == defect::none) continue;
    const std::string message =
        R"({"jsonrpc":"2.0","id":1,"result":)" + std::string(each.text) + R"(,"more":[0]})";
    const scan_result outcome = scan(message, {}, single, batch);
    EXPECT_EQ(outcome.kind, scan_kind::rejected) << message;
    EXPECT_TRUE(is_parse_defect(outcome.why)) << message;
    EXPECT_EQ(test::disagreement(message), "") << message;
  }
}

TEST(json_cases, every_unescaped_byte_in_a_string_is_judged_by_the_standard) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string text = std::string("\"") + static_cast<char>(byte) + "\"";
    const bool plain = byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
    EXPECT_EQ(validate(text, 1).kind != scan_kind::rejected, plain) << byte;
  }
}

TEST(json_cases, every_defect_has_a_phrase_of_its_own) {
  std::vector<std::string_view> phrases;
  for (auto why = defect::none; why <= defect::batch_too_large;
       why = static_cast<defect>(static_cast<int>(why) + 1)) {
    phrases.push_back(to_string(why));
  }
  std::ranges::sort(phrases);
  EXPECT_EQ(std::ranges::adjacent_find(phrases), phrases.end());
}

}  // namespace
}  // namespace weft::proto
