// What the load generator sends and how it reads what comes back.
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "node/commands/bench/requests.hpp"
#include "node/commands/bench/responses.hpp"

namespace weft::tools {
namespace {

using nlohmann::json;

TEST(request_table, holds_one_valid_frame_per_slot) {
  auto table = request_table::make("demo.echo", R"({"a":[1]})", 300);
  ASSERT_TRUE(table);
  std::set<std::string> ids;
  for (std::uint32_t slot = 0; slot < 300; ++slot) {
    std::string_view frame = table->frame(slot);
    ASSERT_EQ(frame.size(), table->frame_bytes());
    EXPECT_EQ(static_cast<unsigned char>(frame[3]), frame.size() - 4);
    json request = json::parse(frame.substr(4));
    EXPECT_EQ(request.at("method"), "demo.echo");
    EXPECT_EQ(request.at("params"), json::parse(R"({"a":[1]})"));
    EXPECT_EQ(number_of(request.at("id").dump()), slot);
    ids.insert(request.at("id").dump());
  }
  EXPECT_EQ(ids.size(), 300U);
}

TEST(request_table, holds_one_batch_per_slot) {
  auto table = request_table::make("foo", "", 20, 50);
  ASSERT_TRUE(table);
  std::set<std::uint32_t> numbers;
  for (std::uint32_t slot = 0; slot < 20; ++slot) {
    json batch = json::parse(table->frame(slot).substr(4));
    ASSERT_EQ(batch.size(), 50U);
    for (const json& request : batch) {
      EXPECT_EQ(request.at("method"), "foo");
      auto number = number_of(request.at("id").dump());
      ASSERT_TRUE(number);
      EXPECT_EQ(*number / 50, slot);
      numbers.insert(*number);
    }
  }
  EXPECT_EQ(numbers.size(), 1'000U);
}

TEST(request_table, refuses_more_requests_than_ids_can_count) {
  EXPECT_TRUE(request_table::make("foo", "", 100, 10'000));
  auto table = request_table::make("foo", "", 101, 10'000);
  ASSERT_FALSE(table);
  EXPECT_THAT(table.error(), testing::HasSubstr("ask for at most 100"));
}

TEST(request_table, refuses_a_table_that_is_too_large) {
  auto table = request_table::make("m", '[' + std::string(1 << 20, ' ') + ']', max_pipeline);
  ASSERT_FALSE(table);
  EXPECT_THAT(table.error(), testing::HasSubstr("ask for at most"));
}

TEST(number_of, knows_only_ids_of_its_own) {
  EXPECT_EQ(number_of("1000000"), 0U);
  EXPECT_EQ(number_of("1065535"), 65'535U);
  for (const char* other : {"", "1", "0000001", "2000000", "10000000", "\"10000\"", "1e00000", "null"}) {
    EXPECT_EQ(number_of(other), std::nullopt) << other;
  }
}

struct responses_test : testing::Test {
  void expect_result(const std::string& payload, std::uint32_t slot) {
    response answer = reader.read(payload);
    EXPECT_EQ(answer.what, response::kind::result) << payload;
    EXPECT_EQ(answer.number, slot) << payload;
  }
  void expect_kind(const std::string& payload, response::kind kind) {
    EXPECT_EQ(reader.read(payload).what, kind) << payload;
  }
  response_reader reader;
};

TEST_F(responses_test, reads_the_usual_layout) {
  expect_result(R"({"jsonrpc":"2.0","id":1000007,"result":"ok"})", 7);
  expect_result(R"({"jsonrpc":"2.0","id":1000008,"result":"ok"})", 8);
  expect_result(R"({"jsonrpc":"2.0","id":1000009,"result":[1,2,3]})", 9);
}

TEST_F(responses_test, reads_layouts_of_other_servers) {
  expect_result(R"({"id":1000001,"jsonrpc":"2.0","result":"ok"})", 1);
  expect_result(R"({"id":1000002,"jsonrpc":"2.0","result":"ok"})", 2);
  expect_result(R"({ "result" : "ok" , "id" : 1000003 , "jsonrpc" : "2.0" })", 3);
  expect_result(R"({ "result" : "ok" , "id" : 1000004 , "jsonrpc" : "2.0" })", 4);
  expect_result(R"({"jsonrpc":"2.0","result":{"id":1000099},"id":1000005})", 5);
  expect_result(R"({"id":1000006,"jsonrpc":"2.0","result":"ok"})", 6);
}

TEST_F(responses_test, tells_errors_from_results_of_the_same_layout) {
  expect_result(R"({"jsonrpc":"2.0","id":1000001,"result":"ok"})", 1);
  response answer = reader.read(R"({"jsonrpc":"2.0","id":1000002,"error":{"code":-32601,"message":"no"}})");
  EXPECT_EQ(answer.what, response::kind::error);
  EXPECT_EQ(answer.number, 2U);
  EXPECT_EQ(answer.code, -32601);
}

TEST_F(responses_test, knows_what_is_no_answer) {
  expect_kind(R"({"jsonrpc":"2.0","method":"$/goaway","params":{}})", response::kind::unasked);
  expect_kind(R"({"jsonrpc":"2.0","id":1000000,"method":"back"})", response::kind::unasked);
  expect_kind(R"({"jsonrpc":"2.0","id":5,"result":"ok"})", response::kind::malformed);
  expect_kind(R"({"jsonrpc":"2.0","id":1000000})", response::kind::malformed);
  expect_kind(R"([{"jsonrpc":"2.0","id":1000000,"result":"ok"}])", response::kind::malformed);
  expect_kind("garbage", response::kind::malformed);
  expect_kind("", response::kind::malformed);
}

std::string answered(int id, const char* tail = R"("result":"ok")") {
  return R"({"jsonrpc":"2.0","id":)" + std::to_string(id) + "," + tail + "}";
}

TEST_F(responses_test, keeps_what_an_error_says_that_answers_nobody) {
  const auto read =
      reader.read(R"({"jsonrpc":"2.0","id":null,"error":{"code":14,"message":"this port speaks TLS"}})");
  EXPECT_EQ(read.what, response::kind::malformed);
  EXPECT_EQ(reader.first_messages().at(14), "this port speaks TLS");
}

TEST_F(responses_test, reads_a_batch_in_any_order) {
  std::string error = answered(1000007, R"("error":{"code":8,"message":"no"})");
  response batch =
      reader.read_batch("[" + answered(1000008) + ", " + answered(1000006) + "," + error + "]", 3);
  EXPECT_EQ(batch.what, response::kind::result);
  EXPECT_EQ(batch.number, 2U);
  ASSERT_EQ(reader.members().size(), 3U);
  EXPECT_EQ(reader.members()[0].number, 8U);
  EXPECT_EQ(reader.members()[2].what, response::kind::error);
  EXPECT_EQ(reader.members()[2].code, 8);
}

TEST_F(responses_test, refuses_a_batch_that_does_not_answer_each_request_once) {
  std::string of_others = answered(5);
  std::string called = R"({"jsonrpc":"2.0","id":1000001,"method":"back"})";
  for (const std::string& payload :
       {"[" + answered(1000000) + "]", "[" + answered(1000000) + "," + answered(1000000) + "]",
        "[" + answered(1000001) + "," + answered(1000002) + "]",
        "[" + answered(1000000) + "," + of_others + "]", "[" + answered(1000000) + "," + called + "]",
        answered(1000000), std::string("[]"), std::string("["),
        "[" + answered(1000000) + "," + answered(1000001) + "," + answered(1000002) + "]"}) {
    EXPECT_EQ(reader.read_batch(payload, 2).what, response::kind::malformed) << payload;
  }
  EXPECT_EQ(reader.read_batch(called, 2).what, response::kind::unasked);
}

TEST_F(responses_test, is_not_fooled_by_a_truncated_answer_after_learning) {
  std::string whole = R"({"jsonrpc":"2.0","id":1000001,"result":"ok"})";
  expect_result(whole, 1);
  for (std::size_t size = 0; size <= whole.find("\"ok\""); ++size) {
    expect_kind(whole.substr(0, size), response::kind::malformed);
  }
}

}  // namespace
}  // namespace weft::tools
