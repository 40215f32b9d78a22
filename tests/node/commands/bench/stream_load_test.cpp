// Streams as load: what is read cheaply and in full, what is granted, and what counts as a failure.
#include "node/commands/bench/stream_load.hpp"

#include <array>
#include <future>
#include <utility>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "node/commands/bench/report.hpp"
#include "node/commands/bench/stream_messages.hpp"
#include "tests/node/commands/peer.hpp"

namespace weft::tools {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;
using testing::HasSubstr;
using kind = stream_event::kind;

struct stream_messages_test : testing::Test {
  void expect_item(const std::string& payload, std::uint32_t number, std::int64_t seq) {
    const auto event = reader.read(payload);
    EXPECT_EQ(event.what, kind::item) << payload;
    EXPECT_EQ(event.number, number) << payload;
    EXPECT_EQ(event.seq, seq) << payload;
  }
  void expect_kind(const std::string& payload, kind what) {
    EXPECT_EQ(reader.read(payload).what, what) << payload;
  }
  stream_message_reader reader;
};

TEST_F(stream_messages_test, reads_items_of_any_layout) {
  expect_item(R"({"jsonrpc":"2.0","method":"$/stream/item","params":{"id":1000007,"seq":0,"value":1}})", 7,
              0);
  expect_item(R"({"jsonrpc":"2.0","method":"$/stream/item","params":{"id":1000008,"seq":41,"value":"x"}})", 8,
              41);
  expect_item(
      R"({"jsonrpc":"2.0","method":"$/stream/item","params":{"seq":3,"value":{"id":1},"id":1000009}})", 9, 3);
  expect_item(
      R"({"params": {"id": 1000001, "seq": 4, "value": []}, "jsonrpc": "2.0", "method": "\u0024/stream/item"})",
      1, 4);
  expect_item(R"({"jsonrpc":"2.0","method":"$/stream/item","params":{"id":1000002,"seq":1e2,"value":2}})", 2,
              100);
}

TEST_F(stream_messages_test, tells_items_from_everything_else) {
  expect_item(R"({"jsonrpc":"2.0","method":"$/stream/item","params":{"id":1000007,"seq":0,"value":1}})", 7,
              0);
  expect_kind(R"({"jsonrpc":"2.0","method":"$/stream/accept","params":{"id":1000007,"credit":3}})",
              kind::accept);
  expect_kind(R"({"jsonrpc":"2.0","id":1000007,"result":null})", kind::result);
  expect_kind(R"({"jsonrpc":"2.0","method":"$/goaway","params":{}})", kind::unasked);
  expect_kind(R"({"jsonrpc":"2.0","id":5,"method":"heartbeat"})", kind::unasked);
  for (const char* wrong :
       {R"({"jsonrpc":"2.0","method":"$/stream/item","params":{"id":7,"seq":0,"value":1}})",
        R"({"jsonrpc":"2.0","method":"$/stream/item","params":{"id":1000007,"seq":-1,"value":1}})",
        R"({"jsonrpc":"2.0","method":"$/stream/item","params":{"id":1000007,"seq":"0","value":1}})",
        R"({"jsonrpc":"2.0","method":"$/stream/item","params":{"id":1000007,"seq":0}})",
        R"({"jsonrpc":"2.0","method":"$/stream/item","params":{"id":1000007,"value":0}})",
        R"({"jsonrpc":"2.0","method":"$/stream/item","params":[1000007,0,1]})",
        R"({"jsonrpc":"2.0","method":"$/stream/credit","params":{"id":1000007,"credit":1}})",
        R"({"jsonrpc":"2.0","id":7,"result":null})", R"([])", "garbage", ""}) {
    expect_kind(wrong, kind::malformed);
  }
  const auto error = reader.read(R"({"jsonrpc":"2.0","id":1000003,"error":{"code":14,"message":"gone"}})");
  EXPECT_EQ(error.what, kind::error);
  EXPECT_EQ(error.number, 3U);
  EXPECT_EQ(error.code, 14);
}

/// A server of one stream after the other, that sends `items` in each as far as they are granted, and then
/// `answer` behind the id.
class stream_server {
 public:
  stream_server(client& connection, std::int64_t items, std::string answer)
      : connection_(connection), items_(items), answer_(std::move(answer)) {}

  void serve() {
    for (;;) {
      const auto text = connection_.receive(test_deadline());
      if (!text) return;
      const json message = json::parse(*text);
      if (message.contains("id")) {
        id_ = message.at("id").dump();
        open_ = true;
        sent_ = 0;
        granted_ = message.at("stream").at("credit").get<std::int64_t>();
      } else if (message.at("method") == "$/stream/credit") {
        EXPECT_EQ(message.at("params").at("id").dump(), id_);
        granted_ += message.at("params").at("credit").get<std::int64_t>();
      }
      if (!go_on()) return;
    }
  }

 private:
  bool go_on() {
    for (; sent_ < items_ && sent_ < granted_; ++sent_) {
      if (!connection_.send(R"({"jsonrpc":"2.0","method":"$/stream/item","params":{"id":)" + id_ +
                                ",\"seq\":" + std::to_string(sent_) + ",\"value\":\"an item\"}}",
                            test_deadline()))
        return false;
    }
    if (sent_ < items_ || granted_ <= items_) return true;
    // The last grant may come behind the answer.
    if (!std::exchange(open_, false)) return true;
    return connection_.send(R"({"jsonrpc":"2.0","id":)" + id_ + "," + answer_ + "}", test_deadline())
        .has_value();
  }

  client& connection_;
  std::int64_t items_;
  std::string answer_;
  std::string id_;
  bool open_ = false;
  std::int64_t sent_ = 0;
  std::int64_t granted_ = 0;
};

bench_options short_load(const host_port& address) {
  bench_options options;
  options.address = address;
  options.warmup = 0ns;
  options.duration = 100ms;
  options.stream = true;
  options.method = "numbers";
  return options;
}

std::expected<stream_result, std::string> load(const bench_options& options) {
  return read_streams(options, [](const stream_progress&) {});
}

TEST(stream_load, counts_items_and_begins_streams_again) {
  peer node([](client& connection) { stream_server(connection, 10, R"("result":null)").serve(); });
  auto options = short_load(node.address());
  options.credit = 4;
  // The other side sends item by item, and TCP holds back what is small.
  options.duration = 1s;
  const auto result = load(options);
  ASSERT_TRUE(result);
  EXPECT_GT(result->ended, 1U);
  EXPECT_NEAR(static_cast<double>(result->items), static_cast<double>(result->ended) * 10, 10);
  EXPECT_EQ(result->first_item.count() + result->between_items.count(), result->items);
  EXPECT_EQ(result->failed(), 0U);
  EXPECT_EQ(result->ended_without_item, 0U);
  // All items have the same size.
  EXPECT_EQ(result->bytes % result->items, 0U);
  EXPECT_GT(result->bytes / result->items, 80U);
  EXPECT_NEAR(result->items_per_second,
              static_cast<double>(result->items) * 1e9 / static_cast<double>(result->elapsed.count()), 1);
}

TEST(stream_load, grants_what_has_come_once_it_is_half_of_the_credit) {
  // The load may be over before the other thread has stored what it heard.
  std::promise<std::array<json, 2>> heard;
  peer node([&](client& connection) {
    json first = received(connection);
    for (int seq = 0; seq < 3; ++seq) {
      EXPECT_TRUE(
          connection.send(R"({"jsonrpc":"2.0","method":"$/stream/item","params":{"id":1000000,"seq":)" +
                              std::to_string(seq) + R"(,"value":0}})",
                          test_deadline()));
    }
    heard.set_value({std::move(first), received(connection)});
  });
  auto options = short_load(node.address());
  options.credit = 5;
  options.duration = 1h;
  const auto result = load(options);
  ASSERT_TRUE(result);
  const auto [first, second] = heard.get_future().get();
  EXPECT_EQ(first.at("method"), "numbers");
  EXPECT_EQ(first.at("stream"), (json{{"credit", 5}}));
  EXPECT_EQ(second.at("method"), "$/stream/credit");
  EXPECT_EQ(second.at("params"), (json{{"id", 1'000'000}, {"credit", 3}}));
  EXPECT_EQ(result->lost_streams, 1U);
}

TEST(stream_load, counts_errors_by_code) {
  peer node([](client& connection) {
    stream_server(connection, 2, R"("error":{"code":8,"message":"too much"})").serve();
  });
  const auto options = short_load(node.address());
  const auto result = load(options);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->ended, 0U);
  EXPECT_GT(result->errors_by_code.at(8), 0U);
  EXPECT_EQ(result->failed(), result->errors_by_code.at(8));
  EXPECT_EQ(result->first_messages.at(8), "too much");
  EXPECT_THAT(text_report(options, *result), HasSubstr("error 8 RESOURCE_EXHAUSTED"));
}

TEST(stream_load, says_when_a_method_does_not_stream) {
  peer node([](client& connection) { stream_server(connection, 0, R"("result":"ok")").serve(); });
  const auto options = short_load(node.address());
  const auto result = load(options);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->items, 0U);
  EXPECT_EQ(result->ended_without_item, result->ended);
  EXPECT_THAT(text_report(options, *result), HasSubstr("does numbers stream?"));
}

TEST(stream_load, ends_the_input_of_a_method_that_waits_for_values) {
  json told;
  peer node([&](client& connection) {
    EXPECT_TRUE(connection.receive(test_deadline()));
    for (int times = 0; times < 2; ++times) {
      EXPECT_TRUE(connection.send(
          R"({"jsonrpc":"2.0","method":"$/stream/accept","params":{"id":1000000,"credit":16}})",
          test_deadline()));
    }
    told = received(connection);
    // The next thing that comes is another stream, so the end was told once.
    EXPECT_TRUE(connection.send(R"({"jsonrpc":"2.0","id":1000000,"result":null})", test_deadline()));
    EXPECT_EQ(received(connection).at("method"), "numbers");
  });
  auto options = short_load(node.address());
  options.duration = 1h;
  ASSERT_TRUE(load(options));
  EXPECT_EQ(told.at("method"), "$/stream/end");
  EXPECT_EQ(told.at("params"), (json{{"id", 1'000'000}}));
}

/// The only reason for which a connection was lost, to a server that sends items with these numbers at once.
std::string reason_of(const std::vector<int>& seqs, std::int64_t credit) {
  peer node([&](client& connection) {
    EXPECT_TRUE(connection.receive(test_deadline()));
    std::string frames;
    for (int seq : seqs) {
      proto::append_frame(frames,
                          R"({"jsonrpc":"2.0","method":"$/stream/item","params":{"id":1000000,"seq":)" +
                              std::to_string(seq) + R"(,"value":0}})");
    }
    EXPECT_TRUE(connection.send_bytes(frames, test_deadline()));
    while (connection.receive(test_deadline())) {
    }
  });
  auto options = short_load(node.address());
  options.duration = 1h;
  options.credit = credit;
  const auto result = load(options);
  if (!result || result->transport_errors.size() != 1) return {};
  EXPECT_EQ(result->lost_streams, 1U);
  return result->transport_errors.begin()->first;
}

TEST(stream_load, ends_a_connection_whose_items_are_wrong) {
  EXPECT_EQ(reason_of({0, 2}, 8), "the server sent an item with the seq 2 where 1 was due");
  EXPECT_EQ(reason_of({0, 1, 1}, 8), "the server sent an item with the seq 1 where 2 was due");
  EXPECT_EQ(reason_of({1}, 1), "the server sent an item with the seq 1 where 0 was due");
}

TEST(stream_load, counts_items_of_no_stream_as_malformed) {
  peer node([](client& connection) {
    EXPECT_TRUE(connection.receive(test_deadline()));
    EXPECT_TRUE(connection.send(
        R"({"jsonrpc":"2.0","method":"$/stream/item","params":{"id":1000005,"seq":0,"value":0}})",
        test_deadline()));
    EXPECT_TRUE(connection.send(R"({"jsonrpc":"2.0","method":"$/goaway"})", test_deadline()));
  });
  auto options = short_load(node.address());
  options.duration = 1h;
  const auto result = load(options);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->malformed, 1U);
  EXPECT_EQ(result->unasked, 1U);
  EXPECT_EQ(result->items, 0U);
}

TEST(stream_load, says_that_nobody_listens) {
  const auto result = load(short_load(closed_address()));
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error(), HasSubstr("Connection refused"));
}

TEST(stream_report, has_every_figure_with_its_unit) {
  bench_options options;
  options.address = {"::1", 7400};
  options.method = "numbers";
  options.connections = 2;
  options.pipeline = 3;
  options.credit = 9;
  stream_result result;
  result.elapsed = 2s;
  result.items = 7;
  result.bytes = 700;
  result.items_per_second = 1'234'567;
  result.bytes_per_second = 123'456'700;
  result.first_item.record(1'000);
  result.between_items.record(200);
  result.between_items.record(250'000'000);
  result.ended = 3;
  result.lost_streams = 4;
  result.transport_errors["Connection reset by peer"] = 1;
  const json report = json::parse(json_report(options, result));
  EXPECT_EQ(report.at("address"), "[::1]:7400");
  EXPECT_EQ(report.at("connections"), 2);
  EXPECT_EQ(report.at("streams_per_connection"), 3);
  EXPECT_EQ(report.at("credit"), 9);
  EXPECT_EQ(report.at("items_per_second"), 1'234'567.0);
  EXPECT_EQ(report.at("bytes_per_second"), 123'456'700.0);
  EXPECT_EQ(report.at("item_bytes"), 700);
  EXPECT_EQ(report.at("first_item_p50_us"), 1.0);
  EXPECT_EQ(report.at("between_items_p50_us"), 0.2);
  EXPECT_EQ(report.at("between_items_max_us"), 250'000.0);
  EXPECT_EQ(report.at("failed"), 4);

  const std::string text = text_report(options, result);
  EXPECT_THAT(text, HasSubstr("numbers at [::1]:7400: 2 connections with 3 streams each, credit 9"));
  EXPECT_THAT(text, HasSubstr("1,234,567"));
  EXPECT_THAT(text, HasSubstr("123,456,700"));
  EXPECT_THAT(text, HasSubstr("250.00 ms"));
  EXPECT_THAT(text, HasSubstr("streams lost with them: 4"));
}

}  // namespace
}  // namespace weft::tools
