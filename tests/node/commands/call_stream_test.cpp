#include "node/commands/call_stream.hpp"

#include <csignal>
#include <future>
#include <sstream>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "node/process/exit_code.hpp"
#include "proto/frame.hpp"
#include "proto/stream.hpp"
#include "tests/node/commands/peer.hpp"

namespace weft::tools {
namespace {

using nlohmann::json;
using testing::HasSubstr;

void say(client& connection, const std::string& message) {
  EXPECT_TRUE(connection.send(message, test_deadline()));
}

void send_item(client& connection, std::int64_t seq, const std::string& value,
               const std::string& cursor = {}) {
  std::string message;
  proto::append_stream_item(message, "1", seq, value, cursor);
  say(connection, message);
}

void send_result(client& connection, const std::string& result = "null") {
  say(connection, R"({"jsonrpc":"2.0","id":1,"result":)" + result + "}");
}

void expect_notification(client& connection, const std::string& method, const json& params) {
  const auto message = received(connection);
  EXPECT_EQ(message.value("method", ""), method);
  EXPECT_EQ(message.value("params", json()), params);
  EXPECT_FALSE(message.contains("id"));
}

void expect_cancellation(client& connection) {
  expect_notification(connection, "$/cancelRequest", {{"id", 1}});
  say(connection, R"({"jsonrpc":"2.0","id":1,"error":{"code":-32800,"message":"cancelled"}})");
}

/// A call whose standard output is a pipe.
struct call_stream : testing::Test {
  call_stream() {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    reading = unique_fd(ends[0]);
    writing = unique_fd(ends[1]);
    options.method = "m";
    options.timeout = std::chrono::seconds(20);
    options.stream = true;
  }

  int call(const host_port& address) {
    options.address = address;
    std::istringstream input;
    const int code = run_stream(options, input, writing.get(), errors);
    writing.reset();
    return code;
  }

  /// What is there, up to the end of the pipe.
  std::string read_all() const {
    std::string text;
    char chunk[4096];
    for (ssize_t count = 0; (count = ::read(reading.get(), chunk, sizeof chunk)) > 0;)
      text.append(chunk, static_cast<std::size_t>(count));
    return text;
  }

  call_options options;
  unique_fd reading;
  unique_fd writing;
  std::ostringstream errors;
};

TEST_F(call_stream, grants_what_it_has_printed) {
  json request;
  peer node([&](client& connection) {
    request = received(connection);
    for (std::int64_t seq = 0; seq < 6; seq += 2) {
      send_item(connection, seq, "1");
      send_item(connection, seq + 1, R"({"a" : [1.10000000000000000001]})");
      // In one piece or in two, as the items have come.
      for (std::int64_t granted = 0; granted < 2;) {
        const auto message = received(connection);
        ASSERT_EQ(message.value("method", ""), "$/stream/credit");
        granted += message["params"]["credit"].get<std::int64_t>();
      }
    }
    send_result(connection, "\"the end\"");
  });
  options.credit = 2;
  EXPECT_EQ(call(node.address()), exit_ok);
  const std::string both = "1\n{\"a\" : [1.10000000000000000001]}\n";
  EXPECT_EQ(read_all(), both + both + both);
  EXPECT_EQ(errors.str(), "");
  EXPECT_EQ(request.at("stream"), json({{"credit", 2}}));
  EXPECT_FALSE(request.contains("deadline_ms"));
}

/// Answers `rpc.discover` with these methods.
void tell_methods(client& connection, const json& methods) {
  EXPECT_EQ(received(connection).at("method"), "rpc.discover");
  send_result(connection, json{{"methods", methods}}.dump());
}

json told_as(const std::string& name, bool resumable) {
  return {{"name", name}, {"x-stream", {{"resumable", resumable}}}};
}

TEST_F(call_stream, asks_for_what_comes_after_a_cursor_and_in_time) {
  json request;
  peer node([&](client& connection) {
    tell_methods(connection, {told_as("m", true), told_as("m.*", false)});
    request = received(connection);
    send_result(connection);
  });
  options.after = " \"k\"\n";
  options.timeout_given = true;
  EXPECT_EQ(call(node.address()), exit_ok);
  EXPECT_EQ(read_all(), "");
  EXPECT_EQ(request.at("stream"), json({{"credit", 64}, {"after", "k"}}));
  EXPECT_GT(request.at("deadline_ms"), 0);
  EXPECT_LE(request.at("deadline_ms"), 20'000);
}

TEST_F(call_stream, does_not_ask_a_method_that_would_begin_anew) {
  for (const auto& method : {told_as("m.n", false), told_as("m.*", false), json{{"name", "m.n"}}}) {
    peer node([&](client& connection) {
      tell_methods(connection, {told_as("m", true), method});
      EXPECT_FALSE(connection.receive(test_deadline())) << "nothing is called";
    });
    errors.str("");
    options.method = "m.n";
    options.after = "7";
    options.address = node.address();
    std::istringstream input;
    EXPECT_EQ(run_stream(options, input, writing.get(), errors), exit_usage);
    EXPECT_THAT(errors.str(), HasSubstr("--after: 'm.n' is not resumable"));
  }
}

TEST_F(call_stream, doubts_an_item_without_a_cursor_where_nobody_tells) {
  for (const char* cursor : {"", "8"}) {
    peer node([&](client& connection) {
      received(connection);
      say(connection, R"({"jsonrpc":"2.0","id":1,"error":{"code":7,"message":"no"}})");
      received(connection);
      send_item(connection, 0, "1", cursor);
      send_item(connection, 1, "2");
      send_result(connection);
    });
    errors.str("");
    options.after = "7";
    options.address = node.address();
    std::istringstream input;
    EXPECT_EQ(run_stream(options, input, writing.get(), errors), exit_ok);
    EXPECT_EQ(errors.str(), *cursor != 0
                                ? ""
                                : "the first item has no cursor: 'm' has probably begun anew, despite "
                                  "--after\n");
  }
}

TEST_F(call_stream, prints_a_value_of_several_lines_as_one) {
  peer node([](client& connection) {
    received(connection);
    send_item(connection, 0, "{\"a\":\r\n[\n1]}");
    send_result(connection);
  });
  EXPECT_EQ(call(node.address()), exit_ok);
  EXPECT_EQ(read_all(), "{\"a\":  [ 1]}\n");
}

TEST_F(call_stream, prints_the_result_of_a_method_that_does_not_stream) {
  peer node([](client& connection) {
    received(connection);
    send_result(connection, "{\"a\":\n1}");
  });
  EXPECT_EQ(call(node.address()), exit_ok);
  EXPECT_EQ(read_all(), "{\"a\": 1}\n");
}

TEST_F(call_stream, ends_its_input_where_values_are_accepted) {
  peer node([](client& connection) {
    received(connection);
    say(connection, R"({"jsonrpc":"2.0","method":"$/stream/accept","params":{"id":1,"credit":8}})");
    expect_notification(connection, "$/stream/end", {{"id", 1}});
    say(connection, R"({"jsonrpc":"2.0","method":"$/stream/accept","params":{"id":1,"credit":8}})");
    send_item(connection, 0, "0");
    send_result(connection);
    EXPECT_FALSE(connection.receive(test_deadline()));
  });
  EXPECT_EQ(call(node.address()), exit_ok);
  EXPECT_EQ(read_all(), "0\n");
}

TEST_F(call_stream, passes_over_what_is_not_its_own) {
  peer node([](client& connection) {
    received(connection);
    say(connection, R"({"jsonrpc":"2.0","method":"$/goaway","params":{}})");
    say(connection,
        R"({"jsonrpc":"2.0","method":"$/stream/item","params":{"id":2,"seq":0,"value":"other"}})");
    say(connection, R"({"jsonrpc":"2.0","method":"$/stream/item"})");
    say(connection, R"({"jsonrpc":"2.0","method":"$/stream/item","params":[]})");
    say(connection, R"([{"jsonrpc":"2.0","method":"note"}])");
    say(connection,
        R"({"jsonrpc":"2.0","method":"$\/stream\/item","params":{"id":1,"seq":0,"value":"own"}})");
    send_result(connection);
  });
  EXPECT_EQ(call(node.address()), exit_ok);
  EXPECT_EQ(read_all(), "\"own\"\n");
}

TEST_F(call_stream, serves_the_connection_while_nobody_reads_and_grants_nothing) {
  const std::string large = '"' + std::string(10'000, 'x') + '"';
  std::promise<void> refused;
  peer node([&](client& connection) {
    received(connection);
    for (std::int64_t seq = 0; seq < 4; ++seq) send_item(connection, seq, large);
    say(connection, R"({"jsonrpc":"2.0","id":"x","method":"heartbeat"})");
    EXPECT_EQ(received(connection).value("id", ""), "x");
    refused.set_value();
    expect_notification(connection, "$/stream/credit", {{"id", 1}, {"credit", 4}});
    send_result(connection);
  });
  options.credit = 4;
  EXPECT_GT(::fcntl(writing.get(), F_SETPIPE_SZ, 4096), 0);
  auto code = std::async(std::launch::async, [&] { return call(node.address()); });
  refused.get_future().wait();
  const std::string line = large + '\n';
  EXPECT_EQ(read_all(), line + line + line + line);
  EXPECT_EQ(code.get(), exit_ok);
}

TEST_F(call_stream, prints_what_came_before_an_error_and_where_it_was) {
  peer node([](client& connection) {
    received(connection);
    send_item(connection, 0, "1", "\"a\"");
    send_item(connection, 1, "2", "\"b\"");
    say(connection, R"({"jsonrpc":"2.0","id":1,"error":{"code":14,"message":"gone"}})");
  });
  EXPECT_EQ(call(node.address()), exit_failed);
  EXPECT_EQ(read_all(), "1\n2\n");
  EXPECT_EQ(errors.str(),
            "{\"code\":14,\"message\":\"gone\"}\n"
            "the last item printed has the cursor \"b\": --after goes on behind it\n");
}

TEST_F(call_stream, prints_what_came_before_the_connection_was_lost) {
  peer node([](client& connection) {
    received(connection);
    send_item(connection, 0, "1");
  });
  EXPECT_EQ(call(node.address()), exit_unreachable);
  EXPECT_EQ(read_all(), "1\n");
  EXPECT_THAT(errors.str(), HasSubstr("closed the connection"));
}

TEST_F(call_stream, refuses_items_out_of_turn_and_beyond_its_credit) {
  const std::pair<std::vector<std::int64_t>, std::string> cases[] = {
      {{1}, "another seq than 0"},
      {{0, 0}, "another seq than 1"},
      {{0, 1, 2}, "more than the 2 items granted"}};
  for (const auto& [seqs, complaint] : cases) {
    // As one piece, so that nothing is granted in between.
    std::string frames;
    for (const auto seq : seqs) {
      std::string message;
      proto::append_stream_item(message, "1", seq, "7", {});
      proto::append_frame(frames, message);
    }
    peer node([&](client& connection) {
      received(connection);
      EXPECT_TRUE(connection.send_bytes(frames, test_deadline()));
      while (connection.receive(test_deadline())) {
      }
    });
    options.credit = 2;
    options.address = node.address();
    std::istringstream input;
    EXPECT_EQ(run_stream(options, input, writing.get(), errors), exit_unreachable);
    EXPECT_THAT(errors.str(), HasSubstr(complaint));
  }
}

TEST_F(call_stream, cancels_when_it_is_interrupted) {
  for (const int signal : {SIGINT, SIGTERM}) {
    peer node([&](client& connection) {
      received(connection);
      send_item(connection, 0, "1", "5");
      expect_notification(connection, "$/stream/credit", {{"id", 1}, {"credit", 1}});
      ::kill(::getpid(), signal);
      expect_cancellation(connection);
    });
    options.credit = 1;
    options.address = node.address();
    std::istringstream input;
    EXPECT_EQ(run_stream(options, input, writing.get(), errors), exit_signal_base + signal);
    EXPECT_THAT(errors.str(), HasSubstr("the cursor 5"));
  }
  writing.reset();
  EXPECT_EQ(read_all(), "1\n1\n");
}

TEST_F(call_stream, does_not_await_the_answer_to_its_cancellation_for_long) {
  peer node([](client& connection) {
    received(connection);
    ::kill(::getpid(), SIGINT);
    expect_notification(connection, "$/cancelRequest", {{"id", 1}});
    send_item(connection, 0, "\"late\"");
    EXPECT_FALSE(connection.receive(test_deadline()));
  });
  EXPECT_EQ(call(node.address()), exit_signal_base + SIGINT);
  EXPECT_EQ(read_all(), "");
  EXPECT_EQ(errors.str(), "");
}

TEST_F(call_stream, cancels_quietly_when_its_reader_goes) {
  for (const bool silent : {true, false}) {
    peer node([&](client& connection) {
      received(connection);
      if (!silent) send_item(connection, 0, "1", "5");
      expect_cancellation(connection);
    });
    reading.reset();
    options.address = node.address();
    std::istringstream input;
    EXPECT_EQ(run_stream(options, input, writing.get(), errors), exit_signal_base + SIGPIPE);
    EXPECT_EQ(errors.str(), "");
  }
}

TEST_F(call_stream, says_that_its_time_is_over) {
  peer node([](client& connection) {
    received(connection);
    EXPECT_FALSE(connection.receive(test_deadline()));
  });
  options.timeout = std::chrono::milliseconds(50);
  options.timeout_given = true;
  EXPECT_EQ(call(node.address()), exit_unreachable);
  EXPECT_THAT(errors.str(), HasSubstr("did not end within 50ms: raise --timeout"));
}

TEST_F(call_stream, does_not_connect_with_a_wrong_cursor) {
  for (const char* wrong : {"", "k", "1 2"}) {
    options.after = wrong;
    options.address = closed_address();
    std::istringstream input;
    EXPECT_EQ(run_stream(options, input, writing.get(), errors), exit_usage);
    EXPECT_THAT(errors.str(), HasSubstr("--after is not JSON"));
  }
}

}  // namespace
}  // namespace weft::tools
