#include "proto/envelope.hpp"

#include <string>

#include <gtest/gtest.h>

namespace weft::proto {
namespace {

struct scanned {
  scan_result outcome;
  envelope message;
  std::vector<envelope> batch;
};

scanned scan_text(std::string_view text, const scan_options& options = {}) {
  scanned result;
  result.outcome = scan(text, options, result.message, result.batch);
  return result;
}

envelope scan_one(std::string_view text, const scan_options& options = {}) {
  const scanned result = scan_text(text, options);
  EXPECT_EQ(result.outcome.kind, scan_kind::single) << text << ": " << to_string(result.outcome.why);
  return result.message;
}

TEST(envelope, request_with_every_member) {
  const std::string text =
      R"( {"jsonrpc" : "2.0", "id": "a-1", "method":"demo.echo","params": [1, {"id":2}], "deadline_ms":250,)"
      R"("traceparent":"00-x","tracestate":"k=v","stream":{"credit":8},"route_key":"k","else":[]} )";
  const envelope message = scan_one(text);
  EXPECT_EQ(message.kind, message_kind::request);
  EXPECT_EQ(message.why, defect::none);
  EXPECT_EQ(message.id, "\"a-1\"");
  EXPECT_EQ(message.method, "demo.echo");
  EXPECT_FALSE(message.method_escaped);
  EXPECT_EQ(message.params, R"([1, {"id":2}])");
  EXPECT_EQ(message.deadline_ms, "250");
  EXPECT_EQ(message.traceparent, "\"00-x\"");
  EXPECT_EQ(message.tracestate, "\"k=v\"");
  EXPECT_EQ(message.stream, R"({"credit":8})");
  EXPECT_EQ(message.route_key, "\"k\"");
  EXPECT_EQ(message.text, std::string_view(text).substr(1, text.size() - 2));
  EXPECT_TRUE(message.result.empty());
  EXPECT_TRUE(message.error.empty());
}

TEST(envelope, items_of_streams_are_read_alike_however_they_are_laid_out) {
  const std::string head = R"("jsonrpc":"2.0","method":"$/stream/item","params":)";
  for (const std::string params :
       {R"({"id":7,"seq":0,"value":1})", R"({"id":"a\"b","seq":1e2,"value":[{"x":[]}],"cursor":"k"})",
        R"({"id":7,"seq":0,"value":null,"cursor":{}})", R"({"id":7,"seq":0,"value":1,"more":2})",
        R"({"id":7,"seq":0,"value":1,"cursor":2,"more":{}})", R"({"value":"}}","id":7})", R"([7,0,1])",
        R"({})"}) {
    const std::string usual = "{" + head + params + "}";
    const std::string spaced = "{ " + head + params + "}";
    const std::string longer = "{" + head + params + R"(,"id":1})";
    const auto message = scan_one(usual);
    const auto other = scan_one(spaced);
    EXPECT_EQ(message.kind, message_kind::notification) << usual;
    EXPECT_EQ(other.kind, message_kind::notification) << spaced;
    EXPECT_EQ(message.why, defect::none);
    EXPECT_EQ(message.method, "$/stream/item");
    EXPECT_FALSE(message.method_escaped);
    EXPECT_EQ(message.params, params);
    EXPECT_EQ(other.params, params);
    EXPECT_EQ(message.text, usual);
    EXPECT_TRUE(message.id.empty());
    EXPECT_EQ(scan_one(longer).kind, message_kind::request) << longer;
    const std::string both = "[" + usual + "," + spaced + "]";
    const auto batch = scan_text(both);
    ASSERT_EQ(batch.batch.size(), 2U);
    EXPECT_EQ(batch.batch[0].params, batch.batch[1].params);
  }
}

TEST(envelope, wrong_items_of_streams_are_rejected_alike_however_they_are_laid_out) {
  const std::string head = R"("jsonrpc":"2.0","method":"$/stream/item","params":)";
  for (const std::string rest :
       {R"({"id":07,"seq":0,"value":1}})", R"({"id":7,"seq":0,"value":tru}})",
        R"({"id":7,"seq":0,"value":"\x"}})", "{\"id\":7,\"seq\":0,\"value\":\"\xff\"}}",
        R"({"id":7,"seq":0,"value":1})", R"({"id":7,"seq":0,"value":1}}})", R"({"id":7,"seq":0,"value":[}})",
        R"({"id":7,"seq":0,"value":1,}})", R"({"id":7,"seq":0,"value":)",
        R"({"id":7,"seq":0,"value":[[1]]}})", R"({"id":7,"seq":0,"value":1,"cursor":[[1]]}})"}) {
    const auto usual = scan_text("{" + head + rest, {.max_depth = 3});
    const auto spaced = scan_text("{ " + head + rest, {.max_depth = 3});
    EXPECT_EQ(usual.outcome.kind, scan_kind::rejected) << rest;
    EXPECT_EQ(usual.outcome.why, spaced.outcome.why) << rest;
    EXPECT_EQ(usual.outcome.offset + 1, spaced.outcome.offset) << rest;
  }
  EXPECT_EQ(scan_text("{" + head + R"({"id":7,"seq":0,"value":1}})", {.max_depth = 1}).outcome.why,
            defect::too_deep);
  EXPECT_EQ(scan_one("{" + head + R"({"id":7,"seq":0,"value":1}})", {.max_depth = 2}).kind,
            message_kind::notification);
}

TEST(envelope, ids_stay_the_bytes_they_came_as) {
  for (const char* id : {"0", "-9007199254740991", "1e2", "18446744073709551616", "0.5", "-0", R"("")",
                         R"("\u0061")", "\"\u00e9\"", "null", "123456789012345678901234567890"}) {
    const std::string text = std::string(R"({"jsonrpc":"2.0","method":"m","id":)") + id + "}";
    const envelope message = scan_one(text);
    EXPECT_EQ(message.kind, message_kind::request);
    EXPECT_EQ(message.id, id);
  }
}

TEST(envelope, without_an_id_it_is_a_notification) {
  EXPECT_EQ(scan_one(R"({"jsonrpc":"2.0","method":"m"})").kind, message_kind::notification);
}

TEST(envelope, an_empty_method_is_a_method) {
  const envelope message = scan_one(R"({"jsonrpc":"2.0","id":1,"method":""})");
  EXPECT_EQ(message.kind, message_kind::request);
  EXPECT_EQ(message.method, "");
}

TEST(envelope, params_null_counts_as_absent) {
  const envelope message = scan_one(R"({"jsonrpc":"2.0","id":1,"method":"m","params":null})");
  EXPECT_EQ(message.kind, message_kind::request);
  EXPECT_TRUE(message.params.empty());
}

TEST(envelope, escaped_member_names_are_the_names_they_stand_for) {
  const envelope message = scan_one(
      R"({"json\u0072pc":"2.\u0030","\u0069\u0064":7,"\u006dethod":"d\u0065mo","p\u0061r\u0061ms":[],)"
      R"("\u0064\u0065\u0061\u0064\u006c\u0069\u006e\u0065\u005f\u006d\u0073":1,)"
      R"("very\nlong\u0041nameverylong":2})");
  EXPECT_EQ(message.kind, message_kind::request);
  EXPECT_EQ(message.id, "7");
  EXPECT_EQ(message.method, R"(d\u0065mo)");
  EXPECT_TRUE(message.method_escaped);
  EXPECT_EQ(message.params, "[]");
  EXPECT_EQ(message.deadline_ms, "1");
}

TEST(envelope, names_that_only_begin_alike_are_others) {
  const envelope message = scan_one(R"({"jsonrpc":"2.0","method":"m","i":1,"idx":2,"Id":3,)"
                                    R"("params2":4,"metho":5,"id\"":6,"errors":7,"method\\":8})");
  EXPECT_EQ(message.kind, message_kind::notification);
  EXPECT_TRUE(message.id.empty());
  EXPECT_TRUE(message.params.empty());
}

TEST(envelope, members_of_inner_objects_do_not_count) {
  const envelope message =
      scan_one(R"({"jsonrpc":"2.0","method":"m","params":{"id":1,"method":2,"jsonrpc":3}})");
  EXPECT_EQ(message.kind, message_kind::notification);
}

struct invalid_case {
  const char* text;
  defect why;
  const char* id;
};

TEST(envelope, what_is_no_message_says_why_and_keeps_a_readable_id) {
  const invalid_case cases[] = {
      {R"({})", defect::version_missing, ""},
      {R"({"id":1})", defect::version_missing, "1"},
      {R"({"jsonrpc":"2.0","id":1})", defect::method_missing, "1"},
      {R"({"jsonrpc":"2.0","id":"x","params":[]})", defect::method_missing, "\"x\""},
      {R"({"id":1,"method":"m"})", defect::version_missing, "1"},
      {R"({"jsonrpc":2.0,"id":1,"method":"m"})", defect::version_unsupported, "1"},
      {R"({"jsonrpc":"2.1","id":1,"method":"m"})", defect::version_unsupported, "1"},
      {R"({"jsonrpc":"2.0 ","id":1,"method":"m"})", defect::version_unsupported, "1"},
      {R"({"jsonrpc":"2.\n0","id":1,"method":"m"})", defect::version_unsupported, "1"},
      {R"({"jsonrpc":null,"id":1,"method":"m"})", defect::version_unsupported, "1"},
      {R"({"jsonrpc":"2.0","id":{},"method":"m"})", defect::id_not_scalar, ""},
      {R"({"jsonrpc":"2.0","id":[1],"method":"m"})", defect::id_not_scalar, ""},
      {R"({"jsonrpc":"2.0","id":true,"method":"m"})", defect::id_not_scalar, ""},
      {R"({"jsonrpc":"2.0","id":false,"method":"m"})", defect::id_not_scalar, ""},
      {R"({"jsonrpc":"2.0","id":1,"method":7})", defect::method_not_string, "1"},
      {R"({"jsonrpc":"2.0","method":null})", defect::method_not_string, ""},
      {R"({"jsonrpc":"2.0","id":1,"method":["m"]})", defect::method_not_string, "1"},
      {R"({"jsonrpc":"2.0","id":1,"method":"m","params":"x"})", defect::params_not_structured, "1"},
      {R"({"jsonrpc":"2.0","id":1,"method":"m","params":3})", defect::params_not_structured, "1"},
      {R"({"jsonrpc":"2.0","method":"m","params":true})", defect::params_not_structured, ""},
      {R"({"jsonrpc":"2.0","id":1,"method":"m","method":"n"})", defect::duplicate_member, "1"},
      {R"({"jsonrpc":"2.0","id":1,"id":2,"method":"m"})", defect::duplicate_member, ""},
      {R"({"jsonrpc":"2.0","id":1,"method":"m","\u006dethod":"m"})", defect::duplicate_member, "1"},
      {R"({"jsonrpc":"2.0","jsonrpc":"2.0","id":null,"method":"m"})", defect::duplicate_member, "null"},
      {R"({"jsonrpc":"2.0","id":1,"method":"m","stream":1,"stream":1})", defect::duplicate_member, "1"},
  };
  for (const invalid_case& expected : cases) {
    const envelope message = scan_one(expected.text);
    EXPECT_EQ(message.kind, message_kind::invalid) << expected.text;
    EXPECT_EQ(to_string(message.why), to_string(expected.why)) << expected.text;
    EXPECT_EQ(message.id, expected.id) << expected.text;
    EXPECT_FALSE(is_response_defect(message.why));
    EXPECT_FALSE(is_parse_defect(message.why));
  }
}

TEST(envelope, unknown_members_may_be_doubled) {
  EXPECT_EQ(scan_one(R"({"jsonrpc":"2.0","method":"m","x":1,"x":2})").kind, message_kind::notification);
}

TEST(envelope, the_version_is_optional_if_asked_for_but_never_wrong) {
  const scan_options lenient{.require_version = false};
  EXPECT_EQ(scan_one(R"({"id":1,"method":"m"})", lenient).kind, message_kind::request);
  EXPECT_EQ(scan_one(R"({"id":1,"result":2})", lenient).kind, message_kind::response);
  EXPECT_EQ(scan_one(R"({"jsonrpc":"1.0","id":1,"method":"m"})", lenient).why, defect::version_unsupported);
}

TEST(envelope, responses) {
  const envelope result = scan_one(R"({"jsonrpc":"2.0","id":7,"result":null})");
  EXPECT_EQ(result.kind, message_kind::response);
  EXPECT_EQ(result.id, "7");
  EXPECT_EQ(result.result, "null");
  const envelope error =
      scan_one(R"({"jsonrpc":"2.0","id":null,"error":{"code":-1,"message":"x","data":[1]}})");
  EXPECT_EQ(error.kind, message_kind::response);
  EXPECT_EQ(error.id, "null");
  EXPECT_EQ(error.error, R"({"code":-1,"message":"x","data":[1]})");
}

TEST(envelope, with_a_method_it_is_a_request_whatever_else_it_has) {
  const envelope message = scan_one(R"({"jsonrpc":"2.0","id":7,"method":"m","result":1,"error":2})");
  EXPECT_EQ(message.kind, message_kind::request);
}

TEST(envelope, a_malformed_response_says_so_since_it_must_not_be_answered) {
  const std::pair<const char*, defect> cases[] = {
      {R"({"jsonrpc":"2.0","result":1})", defect::response_without_id},
      {R"({"jsonrpc":"2.0","id":[],"result":1})", defect::response_without_id},
      {R"({"jsonrpc":"2.0","id":1,"id":2,"result":1})", defect::response_without_id},
      {R"({"jsonrpc":"2.0","id":1,"result":1,"error":{"code":1,"message":""}})", defect::result_and_error},
      {R"({"jsonrpc":"2.0","id":1,"error":null})", defect::error_malformed},
      {R"({"jsonrpc":"2.0","id":1,"error":"x"})", defect::error_malformed},
      {R"({"jsonrpc":"2.0","id":1,"error":{}})", defect::error_malformed},
      {R"({"jsonrpc":"2.0","id":1,"error":{"code":1}})", defect::error_malformed},
      {R"({"jsonrpc":"2.0","id":1,"error":{"message":"m"}})", defect::error_malformed},
      {R"({"jsonrpc":"2.0","id":1,"error":{"code":1.0,"message":"m"}})", defect::error_malformed},
      {R"({"jsonrpc":"2.0","id":1,"error":{"code":1e2,"message":"m"}})", defect::error_malformed},
      {R"({"jsonrpc":"2.0","id":1,"error":{"code":"1","message":"m"}})", defect::error_malformed},
      {R"({"jsonrpc":"2.0","id":1,"error":{"code":1,"message":null}})", defect::error_malformed},
      {R"({"jsonrpc":"2.0","id":1,"result":1,"result":2})", defect::error_malformed},
      {R"({"jsonrpc":"1.0","id":1,"result":1})", defect::error_malformed},
      {R"({"id":1,"result":1})", defect::error_malformed},
  };
  for (const auto& [text, why] : cases) {
    const envelope message = scan_one(text);
    EXPECT_EQ(message.kind, message_kind::invalid) << text;
    EXPECT_EQ(to_string(message.why), to_string(why)) << text;
    EXPECT_TRUE(is_response_defect(message.why));
  }
}

TEST(envelope, a_response_of_json_rpc_1_has_a_null_half) {
  const auto result = scan_one(R"({"jsonrpc":"2.0","id":1,"result":[1],"error":null})");
  EXPECT_EQ(result.kind, message_kind::response);
  EXPECT_TRUE(result.old_form);
  EXPECT_EQ(result.result, "[1]");
  EXPECT_EQ(result.error, "");
  const auto error = scan_one(R"({"error":{"code":1,"message":"m"},"jsonrpc":"2.0","result":null,"id":1})");
  EXPECT_EQ(error.kind, message_kind::response);
  EXPECT_TRUE(error.old_form);
  EXPECT_EQ(error.result, "");
  EXPECT_EQ(error.error, R"({"code":1,"message":"m"})");
  const auto neither = scan_one(R"({"jsonrpc":"2.0","id":1,"result":null,"error":null})");
  EXPECT_EQ(neither.result, "null");
  EXPECT_EQ(neither.kind, message_kind::response);
  EXPECT_FALSE(scan_one(R"({"jsonrpc":"2.0","id":1,"result":null})").old_form);
}

TEST(envelope, the_id_of_a_response_that_is_no_json_is_found) {
  EXPECT_EQ(find_response_id(R"({"jsonrpc":"2.0","id": 12,"result":NaN})"), "12");
  EXPECT_EQ(find_response_id("{\"id\"\n:\t7"), "7");
  EXPECT_EQ(find_response_id(R"({"id":12,"method":"x","params":NaN})"), "");
  EXPECT_EQ(find_response_id(R"({"id":"a","result":NaN})"), "");
  EXPECT_EQ(find_response_id(R"("id")"), "");
  EXPECT_EQ(find_response_id(""), "");
}

TEST(envelope, an_error_object_may_be_spaced_escaped_and_short) {
  EXPECT_EQ(
      scan_one(R"({"jsonrpc":"2.0","id":1,"error": { "messag\u0065" : "" , "code" : -5 , "x":{} } })").kind,
      message_kind::response);
}

TEST(envelope, batch_elements_come_in_order_and_bad_ones_are_invalid_in_their_place) {
  const std::string text =
      R"([ {"jsonrpc":"2.0","id":1,"method":"a"} ,1,"x", [2],{"jsonrpc":"2.0","method":"b"},)"
      R"({"foo":1},{"jsonrpc":"2.0","id":2,"result":3}])";
  const scanned result = scan_text(text);
  ASSERT_EQ(result.outcome.kind, scan_kind::batch);
  ASSERT_EQ(result.batch.size(), 7U);
  EXPECT_EQ(result.batch[0].kind, message_kind::request);
  EXPECT_EQ(result.batch[0].text, R"({"jsonrpc":"2.0","id":1,"method":"a"})");
  for (const std::size_t i : {1, 2, 3}) {
    EXPECT_EQ(result.batch[i].kind, message_kind::invalid);
    EXPECT_EQ(result.batch[i].why, defect::not_an_object);
    EXPECT_TRUE(result.batch[i].id.empty());
  }
  EXPECT_EQ(result.batch[4].kind, message_kind::notification);
  EXPECT_EQ(result.batch[5].why, defect::version_missing);
  EXPECT_EQ(result.batch[6].kind, message_kind::response);
}

TEST(envelope, a_short_text_is_scanned_as_a_long_one) {
  const std::string numbers = "[1,2]";
  const scanned batch = scan_text(numbers);
  ASSERT_EQ(batch.batch.size(), 2U);
  EXPECT_EQ(batch.batch[1].text.data(), numbers.data() + 3);
  EXPECT_EQ(batch.batch[1].text, "2");
  const std::string text = R"({"method":"x"})";
  const envelope message = scan_one(text, {.require_version = false});
  EXPECT_EQ(message.kind, message_kind::notification);
  EXPECT_EQ(message.method.data(), text.data() + 11);
  EXPECT_EQ(message.text.data(), text.data());
}

TEST(envelope, texts_that_are_no_message_at_all_are_rejected_as_one) {
  for (const char* text : {"1", "\"x\"", "null", "true", " -2.5e3 "}) {
    EXPECT_EQ(scan_text(text).outcome.kind, scan_kind::rejected);
    EXPECT_EQ(scan_text(text).outcome.why, defect::not_an_object);
  }
  for (const char* text : {"[]", " [ ] "}) EXPECT_EQ(scan_text(text).outcome.why, defect::empty_batch);
}

TEST(envelope, a_batch_over_the_limit_is_rejected_as_one_but_still_validated) {
  const scan_options two{.max_batch = 2};
  EXPECT_EQ(scan_text("[1,2]", two).outcome.kind, scan_kind::batch);
  const scanned over = scan_text("[1,2,3,{},5]", two);
  EXPECT_EQ(over.outcome.kind, scan_kind::rejected);
  EXPECT_EQ(over.outcome.why, defect::batch_too_large);
  EXPECT_LE(over.batch.size(), 2U);
  EXPECT_EQ(scan_text("[1,2,3,{\"a\"},5]", two).outcome.why, defect::unexpected_character);
}

TEST(envelope, the_message_object_is_the_first_level) {
  const auto why = [](std::string_view text, std::size_t depth) {
    return scan_text(text, {.max_depth = depth, .require_version = false}).outcome.why;
  };
  EXPECT_EQ(why(R"({"method":"m"})", 1), defect::none);
  EXPECT_EQ(why(R"({"method":"m","params":[]})", 1), defect::too_deep);
  EXPECT_EQ(why(R"({"method":"m","params":[]})", 2), defect::none);
  EXPECT_EQ(why(R"([{"method":"m","params":[]}])", 1), defect::too_deep);
  EXPECT_EQ(why(R"([{"method":"m","params":[]}])", 2), defect::none);
  EXPECT_EQ(why(R"({"method":"m"})", 0), defect::too_deep);
}

TEST(envelope, depth_is_limited_on_every_word_of_the_stack) {
  for (const std::size_t depth : {1UL, 2UL, 63UL, 64UL, 65UL, 127UL, 128UL, 129UL, 1023UL, 1024UL}) {
    const std::string text = std::string(depth, '[') + std::string(depth, ']');
    EXPECT_EQ(validate(text, depth).why, defect::none) << depth;
    EXPECT_EQ(validate(text, depth - 1).why, defect::too_deep) << depth;
    EXPECT_EQ(validate(text, depth - 1).offset, depth - 1);
  }
  EXPECT_EQ(validate(std::string(1025, '[') + std::string(1025, ']'), 5000).why, defect::too_deep);
}

TEST(envelope, brackets_must_match_at_every_depth) {
  for (const std::size_t depth : {1UL, 2UL, 63UL, 64UL, 65UL, 128UL, 129UL, 1000UL}) {
    std::string open;
    std::string close;
    for (std::size_t level = 0; level < depth; ++level) {
      open += level % 3 == 0 ? "{\"a\":" : "[";
      close.insert(close.begin(), level % 3 == 0 ? '}' : ']');
    }
    EXPECT_EQ(validate(open + "0" + close, depth).why, defect::none) << depth;
    for (std::size_t at = 0; at < close.size(); at += 1 + depth / 16) {
      std::string wrong = close;
      wrong[at] = wrong[at] == '}' ? ']' : '}';
      EXPECT_EQ(validate(open + "0" + wrong, depth).why, defect::unexpected_character) << depth << ' ' << at;
    }
  }
}

TEST(envelope, unescape_decodes_every_escape) {
  std::string out = "old";
  unescape(R"(a\"\\\/\b\f\n\r\t\u0041\u00e9\u4e2d\ud83d\uDE00z)", out);
  EXPECT_EQ(out, "a\"\\/\b\f\n\r\tA\u00e9\u4e2d\U0001F600z");
  unescape("", out);
  EXPECT_EQ(out, "");
  unescape(R"(\u0000)", out);
  EXPECT_EQ(out, std::string(1, '\0'));
}

}  // namespace
}  // namespace weft::proto
