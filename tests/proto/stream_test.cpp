#include "proto/stream.hpp"

#include <string>

#include <gtest/gtest.h>

namespace weft::proto {
namespace {

TEST(stream_message, is_found_by_its_name) {
  EXPECT_EQ(find_stream_message("$/stream/item"), stream_message::item);
  EXPECT_EQ(find_stream_message("$/stream/throw"), stream_message::raise);
  EXPECT_FALSE(find_stream_message("$/stream/"));
  EXPECT_FALSE(find_stream_message("$/stream/items"));
  EXPECT_FALSE(find_stream_message("stream/item"));
}

TEST(stream_members, are_read_in_any_order_and_spelling) {
  stream_members m;
  ASSERT_TRUE(
      read_stream_members(R"({"x":[{}], "value" : {"id": [1,2]} ,"seq":7,"id":"a\"b", "cursor":null})", m));
  EXPECT_EQ(m.value, R"({"id": [1,2]})");
  EXPECT_EQ(m.seq, "7");
  EXPECT_EQ(m.id, R"("a\"b")");
  EXPECT_EQ(m.cursor, "null");
  EXPECT_TRUE(m.credit.empty());
}

TEST(stream_members, of_a_text_that_is_shorter_than_a_block_point_into_it) {
  const std::string text = R"({"id":1})";
  stream_members m;
  ASSERT_TRUE(read_stream_members(text, m));
  EXPECT_EQ(m.id.data(), text.data() + 6);
  EXPECT_EQ(m.id, "1");
}

TEST(stream_members, are_the_same_however_an_item_is_laid_out) {
  for (const std::string id : {"1", "-1.5e+3", R"("x")", R"("a\"b")", R"("a\\")", R"("")"}) {
    for (const std::string value : {"0", "-0.5E-7", "true", "null", R"("text, \"}, \"cursor\":1")", R"("}")",
                                    R"(",\\")", "[1,{}]", R"({"value":1})"}) {
      for (const std::string cursor : {"", "17", R"("k")", "null", R"({"k":[]})"}) {
        // A space in front makes it an unusual text.
        for (const std::string space : {"", " "}) {
          const std::string text = "{" + space + R"("id":)" + id + R"(,"seq":12,"value":)" + value +
                                   (cursor.empty() ? "" : R"(,"cursor":)" + cursor) + "}";
          stream_members m;
          ASSERT_TRUE(read_stream_members(text, m)) << text;
          EXPECT_EQ(m.id, id) << text;
          EXPECT_EQ(m.seq, "12") << text;
          EXPECT_EQ(m.value, value) << text;
          EXPECT_EQ(m.cursor, cursor) << text;
          EXPECT_GE(m.value.data(), text.data());
          EXPECT_LT(m.value.data(), text.data() + text.size());
        }
      }
    }
  }
}

TEST(stream_members, of_an_item_with_more_than_the_usual_are_all_read) {
  stream_members m;
  ASSERT_TRUE(read_stream_members(R"({"id":1,"seq":2,"value":3,"x":4,"cursor":5})", m));
  EXPECT_EQ(m.cursor, "5");
  EXPECT_FALSE(read_stream_members(R"({"id":1,"seq":2,"value":3,"value":4})", m));
  EXPECT_FALSE(read_stream_members(R"({"id":1,"seq":2,"value":3,"cursor":4,"id":1})", m));
}

TEST(stream_members, may_be_none_but_are_an_object_without_one_twice) {
  stream_members m;
  EXPECT_TRUE(read_stream_members("{}", m));
  EXPECT_TRUE(read_stream_members("{ }", m));
  EXPECT_FALSE(read_stream_members("", m));
  EXPECT_FALSE(read_stream_members("[]", m));
  EXPECT_FALSE(read_stream_members("7", m));
  EXPECT_TRUE(m.repeated.empty());
}

TEST(stream_members, one_that_is_there_twice_is_named_and_the_first_counts) {
  stream_members m;
  EXPECT_FALSE(read_stream_members(R"({"id":7,"value":1,"x":1,"x":2,"value":2,"seq":3})", m));
  EXPECT_EQ(m.repeated, "value");
  EXPECT_EQ(m.id, "7");
  EXPECT_EQ(m.value, "1");
  EXPECT_EQ(m.seq, "3");
}

TEST(stream_count, is_a_whole_number_from_zero) {
  EXPECT_EQ(read_count("0"), 0);
  EXPECT_EQ(read_count("42"), 42);
  EXPECT_EQ(read_count("1e3"), 1000);
  EXPECT_EQ(read_count("1.0"), 1);
  EXPECT_EQ(read_count("1e300"), std::int64_t{1} << 53);
  EXPECT_EQ(read_count("99999999999999999999"), std::int64_t{1} << 53);
  for (const auto* wrong : {"", "-1", "0.5", "1e-3", "\"1\"", "null", "true", "[]"})
    EXPECT_FALSE(read_count(wrong)) << wrong;
}

TEST(stream_message, is_written_as_it_is_read) {
  std::string out;
  append_stream_item(out, "1", 2, R"({"a":1})", R"("c")");
  EXPECT_EQ(out, R"({"jsonrpc":"2.0","method":"$/stream/item","params":)"
                 R"({"id":1,"seq":2,"value":{"a":1},"cursor":"c"}})");
  append_stream_item(out, "\"x\"", 1'000'000, "0", {});
  EXPECT_EQ(out, R"({"jsonrpc":"2.0","method":"$/stream/item","params":)"
                 R"({"id":1,"seq":2,"value":{"a":1},"cursor":"c"}})"
                 R"({"jsonrpc":"2.0","method":"$/stream/item","params":)"
                 R"({"id":"x","seq":1000000,"value":0}})");
  out.clear();
  stream_members m;
  m.id = "\"x\"";
  m.credit = "3";
  append_stream_message(out, stream_message::accept, m);
  EXPECT_EQ(out, R"({"jsonrpc":"2.0","method":"$/stream/accept","params":{"id":"x","credit":3}})");
  out.clear();
  append_stream_message(out, stream_message::end, {});
  EXPECT_EQ(out, R"({"jsonrpc":"2.0","method":"$/stream/end","params":{}})");
}

TEST(stream_member, has_what_there_is) {
  EXPECT_EQ(stream_member(5, -1), R"({"credit":5})");
  EXPECT_EQ(stream_member(5, 0, "\"k\""), R"({"credit":5,"bytes":0,"after":"k"})");
}

}  // namespace
}  // namespace weft::proto
