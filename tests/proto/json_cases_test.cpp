// The grammar case by case, in the categories of nst/JSONTestSuite: texts every parser accepts, texts every
// parser rejects, and those where RFC 8259 leaves the choice to the implementation, with ours.
#include <algorithm>
#include <span>
#include <string>

#include <gtest/gtest.h>

#include "proto/envelope.hpp"
#include "tests/support/json_oracle.hpp"

namespace weft::proto {
namespace {

using std::string_view_literals::operator""sv;

struct rejected_case {
  std::string_view text;
  defect why;
};

constexpr std::string_view accepted[] = {
    // Arrays
    "[]",
    "[[]]",
    "[[],[[]]]",
    "[null]",
    "[1, \"a\", {}]",
    "[ ]",
    "[\n1\t,\r2 ]",
    "[1,null,null,null,2]",
    "[\"\"]",
    "[[[[[[[[1]]]]]]]]",
    " [1]",
    "[1]\n",
    // Objects
    "{}",
    "{ }",
    "{\"\":0}",
    "{\"a\":{}}",
    "{\"a\":[]}",
    "{\"a\":1,\"a\":1}",
    "{\"a\":1,\"a\":2}",
    "{\"a\":null}",
    "{\n\"a\"\t:\r1 , \"b\" : 2\n}",
    R"({"\u0000\"":1})",
    R"({"a":{"b":{"c":{"d":[{}]}}}})",
    "{\"a b\":\"c d\"}",
    "{\"0123456789abcdef0123456789abcdef\":1}",
    // Numbers
    "0",
    "-0",
    "1",
    "-1",
    "42",
    "9007199254740993",
    "18446744073709551616",
    "-9223372036854775809",
    "0.0",
    "-0.0",
    "0.5",
    "1.25",
    "1e1",
    "1E1",
    "1e+1",
    "1e-1",
    "1.5E-7",
    "0e0",
    "0E+0",
    "-0e-0",
    "123456789012345678901234567890",
    "0.000000000000000000000000000000000000000000000000000000000000000000001",
    "[1e2]",
    "[-1.0]",
    "[ 4]",
    // Strings
    R"("")",
    R"(" ")",
    R"("a")",
    R"("\"")",
    R"("\\")",
    R"("\/")",
    R"("\b\f\n\r\t")",
    R"("\u0000")",
    R"("\u0012")",
    R"("\u00e9")",
    R"("\uABCD\uabcd")",
    R"("\uD801\uDC37")",
    R"("\ud83d\ude39\ud83d\udc8d")",
    R"("\\u0041")",
    R"("\\\\")",
    R"("\uDBFF\uDFFF")",
    R"("\uFFFF")",
    R"("\uFDD0")",
    "\"/*comment*/\"",
    "\"\x7F\"",
    "\"\u00e9\"",
    "\"\u0800\"",
    "\"\uD7FF\"",
    "\"\uE000\"",
    "\"\uFFFF\"",
    "\"\U00010000\"",
    "\"\U0010FFFF\"",
    "\"\u2028\u2029\"",
    "\"\u200B\u2060\"",
    "\"\uFEFF\"",
    "\"a long text that spans several blocks of sixteen bytes\"",
    "\"a long text that ends in a quote\\\"\"",
    "\"exactly 14 ch.\"",
    "\"exactly 15 chr.\"",
    "\"exactly 16 chars\"",
    // Structure
    "true",
    "false",
    "null",
    " \t\r\n null \t\r\n ",
    "[true]",
    "[false]",
    R"(["a"])",
    "[true,false,null]",
};

constexpr rejected_case rejected[] = {
    // Arrays
    {"[", defect::unexpected_end},
    {"]", defect::unexpected_character},
    {"[1", defect::unexpected_end},
    {"[1,", defect::unexpected_end},
    {"[1,]", defect::unexpected_character},
    {"[,]", defect::unexpected_character},
    {"[,1]", defect::unexpected_character},
    {"[1,,2]", defect::unexpected_character},
    {"[1 2]", defect::unexpected_character},
    {"[1;2]", defect::unexpected_character},
    {"[1:2]", defect::unexpected_character},
    {"[1]]", defect::trailing_bytes},
    {"[1}", defect::unexpected_character},
    {"[\"a\"", defect::unexpected_end},
    {"[\"a\" 1]", defect::unexpected_character},
    {"[*]", defect::unexpected_character},
    {"[a]", defect::unexpected_character},
    {"[[]", defect::unexpected_end},
    {"[\v1]", defect::unexpected_character},
    {"[\f]", defect::unexpected_character},
    {"[1]x", defect::trailing_bytes},
    {"[1],", defect::trailing_bytes},
    // Objects
    {"{", defect::unexpected_end},
    {"}", defect::unexpected_character},
    {"{\"a\"", defect::unexpected_end},
    {"{\"a\":", defect::unexpected_end},
    {"{\"a\":1", defect::unexpected_end},
    {"{\"a\":1,", defect::unexpected_end},
    {"{\"a\":1,}", defect::unexpected_character},
    {"{,}", defect::unexpected_character},
    {"{\"a\"}", defect::unexpected_character},
    {"{\"a\",1}", defect::unexpected_character},
    {"{\"a\"::1}", defect::unexpected_character},
    {"{\"a\":1,,\"b\":2}", defect::unexpected_character},
    {"{\"a\":1 \"b\":2}", defect::unexpected_character},
    {"{\"a\":}", defect::unexpected_character},
    {"{:1}", defect::unexpected_character},
    {"{a:1}", defect::unexpected_character},
    {"{'a':1}", defect::unexpected_character},
    {"{1:1}", defect::unexpected_character},
    {"{null:1}", defect::unexpected_character},
    {"{[]:1}", defect::unexpected_character},
    {"{\"a\":1]", defect::unexpected_character},
    {"{\"a\":1}}", defect::trailing_bytes},
    {"{\"a\":1}#", defect::trailing_bytes},
    {"{\"a\":1}/**/", defect::trailing_bytes},
    {"{\"a\":/*x*/1}", defect::unexpected_character},
    {"{\"a\":1}//", defect::trailing_bytes},
    {"{}{}", defect::trailing_bytes},
    // Numbers
    {"-", defect::unexpected_end},
    {"[-]", defect::bad_number},
    {"+1", defect::unexpected_character},
    {"[--1]", defect::bad_number},
    {"[01]", defect::bad_number},
    {"[-01]", defect::bad_number},
    {"[00]", defect::bad_number},
    {"[.5]", defect::unexpected_character},
    {"[-.5]", defect::bad_number},
    {"[1.]", defect::bad_number},
    {"[1.e5]", defect::bad_number},
    {"[1e]", defect::bad_number},
    {"[1E+]", defect::bad_number},
    {"[1e-]", defect::bad_number},
    {"[1e1.5]", defect::unexpected_character},
    {"[1.2.3]", defect::unexpected_character},
    {"[1e5e5]", defect::unexpected_character},
    {"[0x1F]", defect::unexpected_character},
    {"[0b1]", defect::unexpected_character},
    {"[1_000]", defect::unexpected_character},
    {"[1 000]", defect::unexpected_character},
    {"[NaN]", defect::unexpected_character},
    {"[-NaN]", defect::bad_number},
    {"[Infinity]", defect::unexpected_character},
    {"[-Infinity]", defect::bad_number},
    {"[1a]", defect::unexpected_character},
    {"[1+2]", defect::unexpected_character},
    {"[\uFF11]", defect::unexpected_character},
    {"1.", defect::unexpected_end},
    {"1e", defect::unexpected_end},
    {"2 2", defect::trailing_bytes},
    // Strings
    {"\"", defect::unexpected_end},
    {"\"a", defect::unexpected_end},
    {"\"\\", defect::unexpected_end},
    {"\"\\\"", defect::unexpected_end},
    {"a\"", defect::unexpected_character},
    {"'a'", defect::unexpected_character},
    {R"("\a")", defect::bad_escape},
    {R"("\x41")", defect::bad_escape},
    {R"("\0")", defect::bad_escape},
    {R"("\'")", defect::bad_escape},
    {R"("\U0041")", defect::bad_escape},
    {R"("\u")", defect::bad_escape},
    {R"("\u1")", defect::bad_escape},
    {R"("\u12")", defect::bad_escape},
    {R"("\u123")", defect::bad_escape},
    {R"("\u123g")", defect::bad_escape},
    {R"("\u-123")", defect::bad_escape},
    {"\"\\\u00e9\"", defect::bad_escape},
    {"\"\n\"", defect::control_character},
    {"\"\t\"", defect::control_character},
    {"\"\x01\"", defect::control_character},
    {"\"\x1F\"", defect::control_character},
    {"\"\0\""sv, defect::control_character},
    {"\"a long text that has its\nnew line in the second block\"", defect::control_character},
    {"\"a\"b", defect::trailing_bytes},
    {"\"\" \"\"", defect::trailing_bytes},
    // Structure
    {"tru", defect::unexpected_end},
    {"[trie]", defect::bad_literal},
    {"[fals]", defect::bad_literal},
    {"[nul]", defect::bad_literal},
    {"[True]", defect::unexpected_character},
    {"[nULL]", defect::bad_literal},
    {"truex", defect::trailing_bytes},
    {"[truefalse]", defect::unexpected_character},
    {"<null>", defect::unexpected_character},
    {"undefined", defect::unexpected_character},
    {"\\u005B1]", defect::unexpected_character},
    {"[\u00a01]", defect::unexpected_character},
    {"[\xFF]", defect::unexpected_character},
    {"\u00e9", defect::unexpected_character},
    {"\0"sv, defect::unexpected_character},
    {"[1]\0"sv, defect::trailing_bytes},
    {"[\0]"sv, defect::unexpected_character},
};

// RFC 8259 leaves these open. Our choice: a text is UTF-8 without exception, as the frame promises, so
// nothing that some parsers repair is let through to peers who might repair it differently. Numbers are bytes
// to us, of any size.
constexpr rejected_case implementation_defined[] = {
    {"", defect::empty_text},
    {" ", defect::empty_text},
    {"\xEF\xBB\xBF{}", defect::byte_order_mark},
    {"\xEF\xBB\xBF", defect::byte_order_mark},
    {"\xEF\xBB{}", defect::unexpected_character},
    {"[\xEF\xBB\xBF]", defect::unexpected_character},
    {"\xFF\xFE[\0]\0"sv, defect::unexpected_character},
    {"[\0"sv, defect::unexpected_character},
    {R"("\uD800")", defect::lone_surrogate},
    {R"("\uDC00")", defect::lone_surrogate},
    {R"("\uDFAA")", defect::lone_surrogate},
    {R"("\uD888\u1234")", defect::lone_surrogate},
    {R"("\uD800\n")", defect::lone_surrogate},
    {R"("\uD800\uD800\uDC00")", defect::lone_surrogate},
    {R"("\uDd1e\uD834")", defect::lone_surrogate},
    {R"("\uD834\uDd")", defect::lone_surrogate},
    {R"("\uD834\\uDC00")", defect::lone_surrogate},
    {"\"\x80\"", defect::invalid_utf8},
    {"\"\xBF\"", defect::invalid_utf8},
    {"\"\xC0\xAF\"", defect::invalid_utf8},
    {"\"\xC1\xBF\"", defect::invalid_utf8},
    {"\"\xC3\"", defect::invalid_utf8},
    {"\"\xC3(\"", defect::invalid_utf8},
    {"\"\xE0\x80\xAF\"", defect::invalid_utf8},
    {"\"\xE0\x9F\xBF\"", defect::invalid_utf8},
    {"\"\xE4\xB8\"", defect::invalid_utf8},
    {"\"\xE4\xB8x\"", defect::invalid_utf8},
    {"\"\xED\xA0\x80\"", defect::invalid_utf8},
    {"\"\xED\xBF\xBF\"", defect::invalid_utf8},
    {"\"\xED\xA0\xBD\xED\xB8\x80\"", defect::invalid_utf8},
    {"\"\xF0\x80\x80\xAF\"", defect::invalid_utf8},
    {"\"\xF0\x8F\xBF\xBF\"", defect::invalid_utf8},
    {"\"\xF0\x9F\x98\"", defect::invalid_utf8},
    {"\"\xF4\x90\x80\x80\"", defect::invalid_utf8},
    {"\"\xF5\x80\x80\x80\"", defect::invalid_utf8},
    {"\"\xF8\x88\x80\x80\x80\"", defect::invalid_utf8},
    {"\"\xFC\x83\xBF\xBF\xBF\xBF\"", defect::invalid_utf8},
    {"\"\xFE\"", defect::invalid_utf8},
    {"\"\xFF\"", defect::invalid_utf8},
    {"\"\u00e9\u00e9\xE9\"", defect::invalid_utf8},
    // Accepted, as raw bytes that nobody has to convert.
    {"[1e400]", defect::none},
    {"[-1e9999]", defect::none},
    {"[123.456e-789]", defect::none},
    {"[0.4e00669999999999999999999999999999999999999999999999999999999999999999999999999999999999]",
     defect::none},
    {"[100000000000000000000000000000000000000000000000000000000000000000000000000000000000000000]",
     defect::none},
};

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
