#include <sstream>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "node/commands/bench.hpp"
#include "node/commands/bench/idle.hpp"
#include "node/commands/bench/load_generator.hpp"
#include "node/commands/bench/report.hpp"
#include "node/process/exit_code.hpp"
#include "tests/node/commands/peer.hpp"

namespace weft::tools {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;
using testing::HasSubstr;

bench_options short_load(const host_port& address) {
  bench_options options;
  options.address = address;
  options.warmup = 0ns;
  options.duration = 100ms;
  return options;
}

std::expected<load_result, std::string> load(const bench_options& options) {
  return generate_load(options, [](const load_progress&) {});
}

/// Answers requests with `tail` behind the id, until the client goes; `before_each` may wait or end it.
void serve(client& connection, const std::string& tail, const std::function<bool(int)>& before_each) {
  for (int count = 0;; ++count) {
    auto request = connection.receive(test_deadline());
    if (!request || !before_each(count)) return;
    std::string reply = "{\"jsonrpc\":\"2.0\",\"id\":" + json::parse(*request).at("id").dump() + tail;
    if (!connection.send(reply, test_deadline())) return;
  }
}

std::function<void(client&)> answering(const std::string& tail) {
  return [tail](client& connection) { serve(connection, tail, [](int) { return true; }); };
}

TEST(closed_loop, counts_results_and_their_latencies) {
  peer node(answering(R"(,"result":"ok"})"));
  auto options = short_load(node.address());
  options.pipeline = 8;
  auto result = load(options);
  ASSERT_TRUE(result);
  EXPECT_GT(result->succeeded, 8U);
  EXPECT_EQ(result->latency.count(), result->succeeded);
  EXPECT_EQ(result->failed(), 0U);
  EXPECT_GE(result->elapsed, 100ms);
  EXPECT_NEAR(result->requests_per_second,
              static_cast<double>(result->succeeded) * 1e9 / static_cast<double>(result->elapsed.count()), 1);
  EXPECT_GT(result->cpu_share(), 0);
}

TEST(closed_loop, measures_as_long_as_it_should_after_a_stall_of_its_own) {
  peer node(answering(R"(,"result":"ok"})"));
  auto options = short_load(node.address());
  options.warmup = 1001ms;
  options.duration = 20ms;
  // The first report of progress comes just before the measurement: this process loses all of its time.
  auto result = generate_load(options, [](const load_progress&) { std::this_thread::sleep_for(50ms); });
  ASSERT_TRUE(result);
  EXPECT_GT(result->succeeded, 0U);
  EXPECT_GE(result->elapsed, 20ms);
}

TEST(closed_loop, counts_errors_by_code) {
  peer node(answering(R"(,"error":{"code":8,"message":"too much"}})"));
  auto result = load(short_load(node.address()));
  ASSERT_TRUE(result);
  EXPECT_EQ(result->succeeded, 0U);
  ASSERT_EQ(result->errors_by_code.size(), 1U);
  EXPECT_GT(result->errors_by_code.at(8), 0U);
  EXPECT_EQ(result->failed(), result->errors_by_code.at(8));
  EXPECT_EQ(result->first_messages.at(8), "too much");
}

struct outcome {
  int code;
  std::string output;
  std::string errors;
};

outcome bench(const bench_options& options) {
  std::ostringstream out;
  std::ostringstream err;
  const int code = run_bench(options, out, err);
  return {code, out.str(), err.str()};
}

TEST(bench, says_what_the_errors_said_and_what_may_help) {
  peer node(answering(R"(,"error":{"code":-32601,"message":"method not found: foo"}})"));
  const auto done = bench(short_load(node.address()));
  EXPECT_EQ(done.code, exit_failed);
  EXPECT_THAT(done.output, HasSubstr("error -32601 METHOD_NOT_FOUND"));
  EXPECT_THAT(done.errors, HasSubstr("the first error -32601: method not found: foo\n"));
  EXPECT_THAT(done.errors, testing::AllOf(HasSubstr("--method"), HasSubstr("--demo")));
}

TEST(bench, shows_no_table_of_zeros_where_nobody_answers) {
  peer node([](client& connection) {
    EXPECT_TRUE(connection.send_bytes("HTTP/1.1 400 Bad Request\r\n\r\n", test_deadline()));
    while (connection.receive(test_deadline())) {
    }
  });
  const auto done = bench(short_load(node.address()));
  EXPECT_EQ(done.code, exit_unreachable);
  EXPECT_EQ(done.output, "");
  EXPECT_THAT(done.errors, HasSubstr("no answer from 127.0.0.1:"));
  EXPECT_THAT(done.errors, HasSubstr("speaks HTTP; is this the admin port of a node?\n"));
}

TEST(closed_loop, counts_every_request_of_a_batch) {
  peer node([](client& connection) {
    for (;;) {
      auto batch = connection.receive(test_deadline());
      if (!batch) return;
      json answers = json::array();
      for (const json& request : json::parse(*batch)) {
        EXPECT_EQ(request.at("method"), "foo");
        answers.push_back({{"jsonrpc", "2.0"}, {"id", request.at("id")}});
        if (answers.size() == 1) {
          answers.back()["error"] = {{"code", 8}, {"message", "too much"}};
        } else {
          answers.back()["result"] = "ok";
        }
      }
      if (!connection.send(answers.dump(), test_deadline())) return;
    }
  });
  auto options = short_load(node.address());
  options.pipeline = 2;
  options.batch = 10;
  auto result = load(options);
  ASSERT_TRUE(result);
  ASSERT_GT(result->succeeded, 0U);
  EXPECT_EQ(result->succeeded, 9 * result->errors_by_code.at(8));
  EXPECT_EQ(result->latency.count(), result->succeeded + result->errors_by_code.at(8));
  EXPECT_EQ(result->malformed, 0U);
  EXPECT_THAT(text_report(options, *result), HasSubstr("2 batches of 10 in flight each"));
  EXPECT_EQ(json::parse(json_report(options, *result)).at("batch"), 10);
}

TEST(closed_loop, counts_the_requests_of_a_lost_batch) {
  peer node([](client& connection) { EXPECT_TRUE(connection.receive(test_deadline())); });
  auto options = short_load(node.address());
  options.duration = 1h;
  options.batch = 7;
  auto result = load(options);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->lost_requests, 7U);
}

TEST(closed_loop, ends_when_every_connection_is_lost) {
  peer node([](client& connection) {
    serve(connection, R"(,"result":"ok"})", [](int count) { return count < 5; });
  });
  auto options = short_load(node.address());
  options.duration = 1h;
  options.pipeline = 3;
  auto result = load(options);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->transport_errors.size(), 1U);
  EXPECT_EQ(result->lost_requests, 3U);
}

TEST(closed_loop, ends_a_connection_that_sends_no_frames) {
  peer node([](client& connection) {
    EXPECT_TRUE(connection.send_bytes("HTTP/1.1 400 Bad Request\r\n\r\n", test_deadline()));
    while (connection.receive(test_deadline())) {
    }
  });
  auto options = short_load(node.address());
  options.duration = 1h;
  auto result = load(options);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->transport_errors.at("the server speaks HTTP; is this the admin port of a node?"), 1U);
}

TEST(closed_loop, reads_answers_in_pieces_and_large_ones) {
  peer node([](client& connection) {
    for (;;) {
      auto request = connection.receive(test_deadline());
      if (!request) return;
      std::string frame;
      proto::append_frame(frame, "{\"jsonrpc\":\"2.0\",\"id\":" + json::parse(*request).at("id").dump() +
                                     ",\"result\":\"" + std::string(1'000'000, 'x') + "\"}");
      for (std::size_t at = 0; at < frame.size(); at += 333'333) {
        if (!connection.send_bytes(std::string_view(frame).substr(at, 333'333), test_deadline())) return;
      }
    }
  });
  auto options = short_load(node.address());
  // A megabyte takes its time where every access is checked.
  options.duration = 2s;
  auto result = load(options);
  ASSERT_TRUE(result);
  EXPECT_GT(result->succeeded, 0U);
  EXPECT_EQ(result->malformed, 0U);
}

TEST(closed_loop, sends_more_than_the_socket_takes_at_once) {
  peer node(answering(R"(,"result":1})"));
  auto options = short_load(node.address());
  options.pipeline = 64;
  options.params = "[\"" + std::string(200'000, 'x') + "\"]";
  // A burst of 13 MB takes its time where every access is checked.
  options.duration = 2s;
  auto result = load(options);
  ASSERT_TRUE(result);
  EXPECT_GT(result->succeeded, 0U);
  EXPECT_EQ(result->failed(), 0U);
}

TEST(closed_loop, counts_answers_that_nobody_asked_for) {
  peer node([](client& connection) {
    EXPECT_TRUE(connection.send(R"({"jsonrpc":"2.0","method":"$/goaway"})", test_deadline()));
    EXPECT_TRUE(connection.send(R"({"jsonrpc":"2.0","id":1000005,"result":1})", test_deadline()));
    serve(connection, R"(,"result":1})", [](int) { return true; });
  });
  auto result = load(short_load(node.address()));
  ASSERT_TRUE(result);
  EXPECT_EQ(result->unasked, 1U);
  EXPECT_EQ(result->malformed, 1U);
}

TEST(open_loop, keeps_the_rate) {
  peer node(answering(R"(,"result":"ok"})"));
  auto options = short_load(node.address());
  options.rate = 1'000;
  options.pipeline = 64;
  options.duration = 300ms;
  auto result = load(options);
  ASSERT_TRUE(result);
  EXPECT_NEAR(static_cast<double>(result->succeeded), 300, 15);
  EXPECT_TRUE(kept_up(options, *result));
}

TEST(open_loop, charges_a_stall_to_every_request_that_was_due) {
  peer node([](client& connection) {
    serve(connection, R"(,"result":"ok"})", [](int count) {
      // The stall that is to be measured.
      if (count == 100) std::this_thread::sleep_for(200ms);
      return true;
    });
  });
  auto options = short_load(node.address());
  options.rate = 1'000;
  options.duration = 500ms;
  auto result = load(options);
  ASSERT_TRUE(result);
  // One request hit the stall, 200 were due meanwhile: with coordinated omission one in 300 would be slow.
  EXPECT_GT(result->latency.quantile(0.9), 100'000'000U);
}

TEST(open_loop, says_when_it_could_not_keep_up) {
  peer node([](client& connection) {
    while (connection.receive(test_deadline())) {
    }
  });
  auto options = short_load(node.address());
  options.rate = 1'000;
  options.pipeline = 10;
  auto result = load(options);
  ASSERT_TRUE(result);
  EXPECT_EQ(result->unanswered, 10U);
  EXPECT_NEAR(static_cast<double>(result->unsent), 90, 10);
  EXPECT_EQ(result->latency.count(), result->unsent + result->unanswered);
  EXPECT_FALSE(kept_up(options, *result));
  EXPECT_THAT(text_report(options, *result), HasSubstr("not kept up"));
  EXPECT_EQ(json::parse(json_report(options, *result)).at("kept_up"), false);
}

TEST(load, says_that_nobody_listens) {
  auto result = load(short_load(closed_address()));
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error(), HasSubstr("Connection refused"));
}

TEST(load, says_how_many_connections_are_possible) {
  listener node;
  auto options = short_load(node.address());
  options.connections = 1'000'000'000;
  auto result = load(options);
  ASSERT_FALSE(result);
  EXPECT_THAT(result.error(), HasSubstr("ask for at most"));
}

TEST(idle, holds_connections_open) {
  listener node;
  auto options = short_load(node.address());
  options.idle = 50;
  std::size_t opened = 0;
  auto result = hold_connections(options, [&](const idle_result& now) { opened = now.opened; });
  ASSERT_TRUE(result);
  EXPECT_EQ(opened, 50U);
  EXPECT_EQ(result->still_open, 50U);
  EXPECT_GE(result->held, 100ms);
}

TEST(idle, introduces_its_connections) {
  json connect;
  peer node([&](client& connection) {
    connect = received(connection);
    EXPECT_TRUE(connection.send(R"({"jsonrpc":"2.0","id":1,"result":{}})", test_deadline()));
    while (connection.receive(test_deadline())) {
    }
  });
  auto options = short_load(node.address());
  options.idle = 1;
  options.introduce = true;
  options.json = true;
  auto result = hold_connections(options, [&](const idle_result& now) { EXPECT_EQ(now.introduced, 1U); });
  ASSERT_TRUE(result);
  EXPECT_EQ(connect.at("method"), "connect");
  EXPECT_EQ(result->still_open, 1U);
  EXPECT_EQ(json::parse(json_report(options, *result)).at("idle_connections_introduced"), 1);
}

TEST(idle, says_why_it_could_not_introduce_a_connection) {
  peer refusing([](client& connection) {
    serve(connection, R"(,"error":{"code":16,"message":"no token"}})", [](int) { return true; });
  });
  auto options = short_load(refusing.address());
  options.idle = 1;
  options.introduce = true;
  auto refused = hold_connections(options, [](const idle_result&) { FAIL(); });
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error(), HasSubstr("no token"));

  peer leaving([](client& connection) { EXPECT_TRUE(connection.receive(test_deadline())); });
  options.address = leaving.address();
  auto lost = hold_connections(options, [](const idle_result&) { FAIL(); });
  ASSERT_FALSE(lost);
  EXPECT_THAT(lost.error(), HasSubstr("closed by the server"));
}

TEST(idle, counts_what_the_node_closes) {
  peer node([](client&) {});
  auto options = short_load(node.address());
  options.idle = 1;
  options.duration = 1h;
  auto result = hold_connections(options, [](const idle_result&) {});
  ASSERT_TRUE(result);
  EXPECT_EQ(result->opened, 1U);
  EXPECT_EQ(result->still_open, 0U);
}

TEST(report, has_every_figure_with_its_unit) {
  bench_options options;
  options.address = {"::1", 7400};
  load_result result;
  result.elapsed = 2s;
  result.requests_per_second = 1'234'567;
  result.succeeded = 3;
  result.errors_by_code[14] = 2;
  result.transport_errors["Connection reset by peer"] = 1;
  result.latency.record(200);
  result.latency.record(250'000'000);
  result.cpu_user = 1'500ms;
  result.cpu_system = 480ms;
  json report = json::parse(json_report(options, result));
  EXPECT_EQ(report.at("address"), "[::1]:7400");
  EXPECT_EQ(report.at("requests_per_second"), 1'234'567.0);
  EXPECT_EQ(report.at("latency_max_us"), 250'000.0);
  EXPECT_EQ(report.at("latency_p50_us"), 0.2);
  EXPECT_EQ(report.at("errors_by_code"), (json{{"14", 2}}));
  EXPECT_EQ(report.at("failed"), 2);
  EXPECT_EQ(report.at("client_saturated"), true);

  std::string text = text_report(options, result);
  EXPECT_THAT(text, HasSubstr("1,234,567"));
  EXPECT_THAT(text, HasSubstr("error 14 UNAVAILABLE"));
  EXPECT_THAT(text, HasSubstr("250.00 ms"));
  EXPECT_THAT(text, HasSubstr("Connection reset by peer"));
  EXPECT_THAT(text, HasSubstr("whole core"));
}

}  // namespace
}  // namespace weft::tools
