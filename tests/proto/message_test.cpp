#include "proto/message.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "proto/envelope.hpp"

namespace weft::proto {
namespace {

using nlohmann::json;

std::string quoted(std::string_view text) {
  std::string out;
  append_quoted(out, text);
  return out;
}

envelope scan_one(std::string_view text) {
  envelope message;
  std::vector<envelope> batch;
  EXPECT_EQ(scan(text, {}, message, batch).kind, scan_kind::single) << text;
  return message;
}

TEST(message, result_echoes_the_id_byte_for_byte) {
  for (const char* id : {"0", "-9007199254740991", "1e2", "18446744073709551616", R"("\u0061")", "null"}) {
    std::string out;
    append_result(out, id, R"({"a": [1]})");
    EXPECT_EQ(out, std::string(R"({"jsonrpc":"2.0","id":)") + id + R"(,"result":{"a": [1]}})");
  }
}

TEST(message, an_empty_id_is_written_as_null) {
  std::string out;
  append_error(out, "", make_error(error_code::parse_error, "bad"));
  EXPECT_EQ(out, R"({"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"bad"}})");
}

TEST(message, a_result_in_two_halves_equals_one_in_a_piece) {
  std::string halves = "x";
  begin_result(halves, "7");
  halves += "null";
  end_result(halves);
  std::string whole = "x";
  append_result(whole, "7", "null");
  EXPECT_EQ(halves, whole);
}

TEST(message, request_with_everything) {
  std::string out;
  append_request(out, "\"a\"", "demo.echo", "[1]",
                 {.deadline_ms = 250, .raw_traceparent = "\"00-x\"", .raw_tracestate = "\"k=v\""});
  EXPECT_EQ(out, R"({"jsonrpc":"2.0","id":"a","method":"demo.echo","params":[1],"deadline_ms":250,)"
                 R"("traceparent":"00-x","tracestate":"k=v"})");
  EXPECT_EQ(scan_one(out).kind, message_kind::request);
}

TEST(message, request_leaves_out_what_is_absent) {
  std::string out;
  append_request(out, "", "m\"x", "");
  EXPECT_EQ(out, R"({"jsonrpc":"2.0","method":"m\"x"})");
  EXPECT_EQ(scan_one(out).kind, message_kind::notification);
}

TEST(message, a_deadline_of_zero_is_written) {
  std::string out;
  request_members members;
  members.deadline_ms = 0;
  append_request(out, "1", "m", "", members);
  EXPECT_EQ(scan_one(out).deadline_ms, "0");
}

TEST(message, quoting_escapes_what_json_demands) {
  EXPECT_EQ(quoted(""), R"("")");
  EXPECT_EQ(quoted("a\"b\\c\n\r\t\x01\x1F"), R"("a\"b\\c\n\r\t\u0001\u001f")");
  EXPECT_EQ(quoted(std::string_view("\0", 1)), R"("\u0000")");
  EXPECT_EQ(quoted("h\u00e9 \U0001F600/"), "\"h\u00e9 \U0001F600/\"");
}

TEST(message, quoting_replaces_what_is_not_utf8) {
  EXPECT_EQ(quoted("a\xFFz"), "\"a\uFFFDz\"");
  EXPECT_EQ(quoted("\xC3"), "\"\uFFFD\"");
  EXPECT_EQ(quoted("\xED\xA0\x80"), "\"\uFFFD\uFFFD\uFFFD\"");
}

TEST(message, quoting_of_any_bytes_is_json) {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const char bytes[] = {'x', static_cast<char>(first), static_cast<char>(second), 'y'};
      ASSERT_EQ(validate(quoted({bytes, sizeof bytes}), 1).why, defect::none) << first << ' ' << second;
    }
  }
}

TEST(message, error_objects_are_read) {
  const rpc_error error =
      parse_error_object(R"( {"message":"no \u0041\n", "data": {"a":[1, 2]} ,"code":-32601})");
  EXPECT_EQ(error, (rpc_error{-32601, "no A\n", R"({"a":[1, 2]})"}));
}

TEST(message, escaped_member_names_of_error_objects_are_read) {
  EXPECT_EQ(parse_error_object(R"({"\u0063ode":5,"messag\u0065":"m"})"), (rpc_error{5, "m", ""}));
}

TEST(message, unreadable_error_objects_are_internal_errors_with_the_text) {
  for (const char* raw : {"5", "null", "[]", "{}", R"({"code":1.5})", R"({"code":"1","message":2})",
                          R"({"code":99999999999})", "{\"code\":1", ""}) {
    const rpc_error error = parse_error_object(raw);
    EXPECT_EQ(error.code, -32603) << raw;
    EXPECT_EQ(error.message, raw);
  }
  EXPECT_EQ(parse_error_object(R"({"code":7})"), (rpc_error{7, R"({"code":7})", ""}));
}

TEST(message, mesh_errors_say_whether_the_handler_ran) {
  const rpc_error error =
      make_mesh_error(error_code::unavailable, "gone", executed::unknown, "node \"a\"", 20);
  EXPECT_EQ(error.code, 14);
  EXPECT_EQ(json::parse(error.data),
            (json{{"executed", "unknown"}, {"node", "node \"a\""}, {"retry_after_ms", 20}}));
  const rpc_error refused = make_mesh_error(error_code::deadline_exceeded, "late", executed::no, "n");
  EXPECT_EQ(json::parse(refused.data), (json{{"executed", "no"}, {"node", "n"}}));
}

TEST(message, codes_have_the_names_of_the_field) {
  EXPECT_EQ(code_name(-32601), "METHOD_NOT_FOUND");
  EXPECT_EQ(code_name(-32800), "REQUEST_CANCELLED");
  EXPECT_EQ(code_name(14), "UNAVAILABLE");
  EXPECT_EQ(code_name(0), "OTHER");
  EXPECT_EQ(code_name(-32000), "OTHER");
}

}  // namespace
}  // namespace weft::proto
