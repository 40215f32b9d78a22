#include "proto/frame.hpp"

#include <limits>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace weft::proto {
namespace {

using std::string_literals::operator""s;

constexpr std::size_t limit = 1024;

struct fed {
  std::vector<std::string> frames;
  frame_error error = frame_error::none;
};

void feed_into(fed& result, frame_reader& reader, std::string_view chunk) {
  result.error = reader.feed(chunk, [&](std::string_view payload) { result.frames.emplace_back(payload); });
}

fed feed_whole(frame_reader& reader, std::string_view stream) {
  fed result;
  feed_into(result, reader, stream);
  return result;
}

std::string frames_of(const std::vector<std::string>& payloads) {
  std::string stream;
  for (const std::string& payload : payloads) append_frame(stream, payload);
  return stream;
}

TEST(frame, header_is_the_length_in_big_endian) {
  std::string out;
  append_frame(out, std::string(0x0102, 'x'));
  EXPECT_EQ(out.substr(0, 4), "\x00\x00\x01\x02"s);
  EXPECT_EQ(out.size(), 4U + 0x0102U);
}

TEST(frame, rendering_in_place_equals_appending) {
  std::string out = "before";
  const std::size_t start = begin_frame(out);
  out += R"({"a":1})";
  end_frame(out, start);
  std::string expected = "before";
  append_frame(expected, R"({"a":1})");
  EXPECT_EQ(out, expected);
}

TEST(frame, several_in_one_chunk_come_in_order_as_views_into_it) {
  const std::string stream = frames_of({"one", "two", "three"});
  frame_reader reader(limit);
  std::vector<std::string_view> views;
  EXPECT_EQ(reader.feed(stream, [&](std::string_view payload) { views.push_back(payload); }),
            frame_error::none);
  ASSERT_EQ(views, (std::vector<std::string_view>{"one", "two", "three"}));
  for (const std::string_view view : views) {
    EXPECT_GE(view.data(), stream.data());
    EXPECT_LE(view.data() + view.size(), stream.data() + stream.size());
  }
  EXPECT_FALSE(reader.mid_frame());
}

TEST(frame, byte_by_byte_equals_whole) {
  const std::vector<std::string> payloads{"a", "bc", std::string(700, 'd'), "{}"};
  frame_reader reader(limit);
  fed result;
  for (const char byte : frames_of(payloads)) {
    feed_into(result, reader, {&byte, 1});
    ASSERT_EQ(result.error, frame_error::none);
  }
  EXPECT_EQ(result.frames, payloads);
  EXPECT_FALSE(reader.mid_frame());
}

TEST(frame, any_split_equals_whole) {
  std::mt19937 random(7);
  for (int round = 0; round < 500; ++round) {
    std::vector<std::string> payloads;
    for (unsigned count = random() % 8; count > 0; --count) {
      const std::size_t most = random() % 2 == 0 ? 4 : limit;
      payloads.push_back(std::string(1 + random() % most, static_cast<char>('a' + random() % 26)));
    }
    const std::string stream = frames_of(payloads);
    frame_reader reader(limit);
    fed result;
    for (std::size_t at = 0; at < stream.size();) {
      const std::size_t size = random() % (random() % 2 == 0 ? 6 : 2000);
      feed_into(result, reader, std::string_view(stream).substr(at, size));
      at += size;
    }
    ASSERT_EQ(result.frames, payloads);
    ASSERT_EQ(result.error, frame_error::none);
    ASSERT_FALSE(reader.mid_frame());
  }
}

TEST(frame, knows_whether_the_stream_stands_inside_a_frame) {
  frame_reader reader(limit);
  feed_whole(reader, "\x00\x00"s);
  EXPECT_TRUE(reader.mid_frame());
  feed_whole(reader, "\x00\x03"s);
  EXPECT_TRUE(reader.mid_frame());
  feed_whole(reader, "ab");
  EXPECT_TRUE(reader.mid_frame());
  EXPECT_EQ(reader.buffered_bytes(), 6U);
  EXPECT_EQ(feed_whole(reader, "c").frames, std::vector<std::string>{"abc"});
  EXPECT_FALSE(reader.mid_frame());
  EXPECT_EQ(reader.buffered_bytes(), 0U);
}

struct bad_length {
  std::string header;
  frame_error error;
};

class frame_with_bad_length : public testing::TestWithParam<bad_length> {};

TEST_P(frame_with_bad_length, ends_the_stream_after_the_frames_before_it) {
  const std::string stream = frames_of({"good"}) + GetParam().header + "rest";
  frame_reader reader(limit);
  const fed result = feed_whole(reader, stream);
  EXPECT_EQ(result.frames, std::vector<std::string>{"good"});
  EXPECT_EQ(result.error, GetParam().error);
  const fed later = feed_whole(reader, frames_of({"good"}));
  EXPECT_TRUE(later.frames.empty());
  EXPECT_EQ(later.error, GetParam().error);
}

TEST_P(frame_with_bad_length, is_seen_in_a_header_that_arrives_in_pieces) {
  frame_reader reader(limit);
  fed result;
  for (const char byte : GetParam().header) feed_into(result, reader, {&byte, 1});
  EXPECT_EQ(result.error, GetParam().error);
  EXPECT_FALSE(reader.mid_frame());
}

INSTANTIATE_TEST_SUITE_P(lengths, frame_with_bad_length,
                         testing::Values(bad_length{"\x00\x00\x00\x00"s, frame_error::zero_length},
                                         bad_length{"\xFF\xFF\xFF\xFF"s, frame_error::negative_length},
                                         bad_length{"\x80\x00\x00\x00"s, frame_error::negative_length},
                                         bad_length{"\x7F\xFF\xFF\xFF"s, frame_error::too_large},
                                         bad_length{"\x00\x00\x04\x01"s, frame_error::too_large},
                                         bad_length{"GET "s, frame_error::too_large}));

TEST(frame, the_limit_itself_is_allowed) {
  frame_reader reader(limit);
  const std::vector<std::string> payloads{std::string(limit, 'x')};
  EXPECT_EQ(feed_whole(reader, frames_of(payloads)).frames, payloads);
}

TEST(frame, holds_no_more_than_what_has_arrived) {
  frame_reader reader(std::numeric_limits<std::int32_t>::max());
  feed_whole(reader, "\x7F\xFF\xFF\xFF"s + "abc");
  EXPECT_EQ(reader.buffered_bytes(), 7U);
  EXPECT_TRUE(reader.mid_frame());
}

TEST(frame, every_error_has_a_phrase_of_its_own) {
  EXPECT_NE(to_string(frame_error::zero_length), to_string(frame_error::negative_length));
  EXPECT_NE(to_string(frame_error::negative_length), to_string(frame_error::too_large));
}

TEST(whole_frames, ends_with_a_frame) {
  std::string text;
  for (const auto size : {10, 20, 100}) append_frame(text, std::string(static_cast<std::size_t>(size), 'x'));
  EXPECT_EQ(whole_frames(text, 1'000), text.size());
  EXPECT_EQ(whole_frames(text, 14 + 24), 38U);
  EXPECT_EQ(whole_frames(text, 14 + 23), 14U);
  EXPECT_EQ(whole_frames(text, 1), 14U) << "one at least";
  EXPECT_EQ(whole_frames(std::string_view(text).substr(38), 1), 104U);
  EXPECT_EQ(whole_frames("", 100), 0U);
}

}  // namespace
}  // namespace weft::proto
