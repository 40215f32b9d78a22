#include "proto/trace_context.hpp"

#include <string>

#include <gtest/gtest.h>

namespace weft::proto {
namespace {

// The example of the standard.
constexpr std::string_view example = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

std::string with(std::size_t at, char c) {
  std::string text(example);
  text[at] = c;
  return text;
}

TEST(trace_context, reads_the_parts) {
  const auto context = parse_traceparent(example);
  ASSERT_TRUE(context);
  EXPECT_EQ(context->trace_id_high, 0x4bf92f3577b34da6U);
  EXPECT_EQ(context->trace_id_low, 0xa3ce929d0e0e4736U);
  EXPECT_EQ(context->span_id, 0x00f067aa0ba902b7U);
  EXPECT_EQ(context->flags, 1U);
  EXPECT_TRUE(context->sampled());
}

TEST(trace_context, formatting_gives_the_text_back) {
  EXPECT_EQ(view(format_traceparent(*parse_traceparent(example))), example);
}

TEST(trace_context, every_shorter_text_is_refused) {
  for (std::size_t size = 0; size < example.size(); ++size) {
    EXPECT_FALSE(parse_traceparent(example.substr(0, size))) << size;
  }
}

TEST(trace_context, every_byte_that_is_no_lower_case_hex_digit_or_dash_in_its_place_is_refused) {
  for (std::size_t at = 0; at < example.size(); ++at) {
    for (const char c : {'g', 'A', 'F', ' ', '/', ':', '`', '\0', '_'}) {
      EXPECT_FALSE(parse_traceparent(with(at, c))) << at << ' ' << c;
    }
  }
}

TEST(trace_context, zero_ids_are_refused) {
  EXPECT_FALSE(parse_traceparent("00-00000000000000000000000000000000-00f067aa0ba902b7-01"));
  EXPECT_FALSE(parse_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01"));
  EXPECT_TRUE(parse_traceparent("00-00000000000000000000000000000001-00f067aa0ba902b7-01"));
}

TEST(trace_context, version_00_has_an_exact_length_and_later_ones_may_add) {
  const std::string text(example);
  const std::string later = "cc" + text.substr(2);
  EXPECT_FALSE(parse_traceparent(text + "-00"));
  EXPECT_TRUE(parse_traceparent(later));
  EXPECT_TRUE(parse_traceparent(later + "-what-the-future-will-be-like"));
  EXPECT_FALSE(parse_traceparent(later + ".what"));
  EXPECT_FALSE(parse_traceparent("ff" + text.substr(2)));
}

TEST(trace_context, a_child_stays_in_the_trace_with_a_span_of_its_own) {
  const auto parent = parse_traceparent("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-ff");
  ASSERT_TRUE(parent);
  const trace_context child = child_of(*parent, 0xabcdef);
  EXPECT_EQ(view(format_traceparent(child)), "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000abcdef-03");
}

TEST(trace_context, a_child_is_valid_even_with_the_id_0) {
  const trace_context child = child_of(*parse_traceparent(example), 0);
  EXPECT_TRUE(parse_traceparent(view(format_traceparent(child))));
}

TEST(trace_context, an_unsampled_parent_has_unsampled_children) {
  const auto parent = parse_traceparent(with(54, '0'));
  ASSERT_TRUE(parent);
  EXPECT_FALSE(parent->sampled());
  EXPECT_FALSE(child_of(*parent, 5).sampled());
}

}  // namespace
}  // namespace weft::proto
