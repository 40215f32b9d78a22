#include "node/commands/call.hpp"

#include <cstdio>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "node/process/exit_code.hpp"
#include "tests/node/commands/peer.hpp"

namespace weft::tools {
namespace {

using nlohmann::json;
using testing::EndsWith;
using testing::HasSubstr;

struct outcome {
  int code;
  std::string output;
  std::string errors;
};

outcome call(const call_options& options, const std::string& input = "") {
  std::istringstream in(input);
  std::ostringstream out;
  std::ostringstream err;
  int code = run_call(options, in, out, err);
  return {code, out.str(), err.str()};
}

call_options options_for(const host_port& address) {
  return {.address = address,
          .method = "demo.echo",
          .params = std::nullopt,
          .timeout = std::chrono::seconds(20),
          .after = std::nullopt,
          .token_file = {}};
}

/// A peer that answers the first request with this text, ID standing for the request's id.
std::function<void(client&)> answering(std::string reply) {
  return [reply = std::move(reply)](client& connection) {
    const json request = received(connection);
    std::string text = reply;
    if (auto at = text.find("ID"); at != std::string::npos) text.replace(at, 2, request.at("id").dump());
    EXPECT_TRUE(connection.send(text, test_deadline()));
  };
}

TEST(call, prints_the_result_as_the_bytes_it_came_as) {
  peer node(answering(R"({"jsonrpc":"2.0","id":ID,"result": {"n" : 1.10000000000000000001, "e": 1e400}})"));
  auto done = call(options_for(node.address()));
  EXPECT_EQ(done.code, exit_ok);
  EXPECT_EQ(done.output, "{\"n\" : 1.10000000000000000001, \"e\": 1e400}\n");
  EXPECT_EQ(done.errors, "");
}

TEST(call, prints_an_error_answer_as_json) {
  peer node(
      answering(R"({"jsonrpc":"2.0","id":ID,"error":{"code":14,"message":"no","data":{"executed":"no"}}})"));
  auto done = call(options_for(node.address()));
  EXPECT_EQ(done.code, exit_failed);
  EXPECT_EQ(done.output, "");
  EXPECT_EQ(json::parse(done.errors),
            (json{{"code", 14}, {"message", "no"}, {"data", {{"executed", "no"}}}}));
}

TEST(call, takes_an_error_with_a_null_id_for_its_answer) {
  peer node(answering(R"({"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}})"));
  auto done = call(options_for(node.address()));
  EXPECT_EQ(done.code, exit_failed);
  EXPECT_EQ(json::parse(done.errors).at("code"), -32700);
}

TEST(call, is_failed_by_an_output_that_does_not_take_the_result) {
  peer node(answering(R"({"jsonrpc":"2.0","id":ID,"result":1})"));
  std::istringstream in;
  std::ostringstream out;
  std::ostringstream err;
  out.setstate(std::ios::badbit);
  EXPECT_EQ(run_call(options_for(node.address()), in, out, err), exit_failed);
  EXPECT_THAT(err.str(), HasSubstr("standard output"));
}

/// Answers that there is no such method, and then what there is.
std::function<void(client&)> without_method(json known) {
  return [known = std::move(known)](client& connection) {
    received(connection);
    EXPECT_TRUE(connection.send(R"({"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"none"}})",
                                test_deadline()));
    const auto more = connection.receive(test_deadline());
    if (!more) return;
    EXPECT_EQ(json::parse(*more).at("method"), "rpc.discover");
    EXPECT_TRUE(connection.send(json{{"jsonrpc", "2.0"}, {"id", 1}, {"result", {{"methods", known}}}}.dump(),
                                test_deadline()));
  };
}

TEST(call, names_the_nearest_method_to_whoever_reads_along) {
  const auto errors_of = [](const std::string& known, bool suggest) {
    peer node(
        without_method({{{"name", known}}, {{"name", "demo.*"}, {"x", 1}}, {{"name", "rpc.discover"}}}));
    auto options = options_for(node.address());
    options.method = "shop.echo";
    options.suggest = suggest;
    const auto done = call(options);
    EXPECT_EQ(done.code, exit_failed);
    return done.errors;
  };
  const std::string error = "{\"code\":-32601,\"message\":\"none\"}\n";
  EXPECT_EQ(errors_of("shop.ecoh", true), error + "the nearest known method is shop.ecoh\n");
  EXPECT_EQ(errors_of("shop.ecoh", false), error) << "a program makes no second call";
  EXPECT_EQ(errors_of("users.get", true), error);
  EXPECT_EQ(errors_of("shop.echo", true), error) << "a method that it calls is not there";
}

TEST(call, sends_method_params_and_deadline) {
  json seen;
  {
    peer node([&](client& connection) {
      seen = received(connection);
      EXPECT_TRUE(connection.send(R"({"jsonrpc":"2.0","id":1,"result":0})", test_deadline()));
    });
    auto options = options_for(node.address());
    options.params = R"({"a":[1,2]})";
    EXPECT_EQ(call(options).code, exit_ok);
  }
  EXPECT_EQ(seen.at("jsonrpc"), "2.0");
  EXPECT_EQ(seen.at("method"), "demo.echo");
  EXPECT_EQ(seen.at("params"), json::parse(R"({"a":[1,2]})"));
  EXPECT_GT(seen.at("deadline_ms"), 0);
  EXPECT_LE(seen.at("deadline_ms"), 20'000);
}

TEST(call, sends_a_notification_without_id_and_awaits_nothing) {
  json seen;
  {
    peer node([&](client& connection) {
      seen = received(connection);
      auto rest = connection.receive(test_deadline());
      ASSERT_FALSE(rest);
      EXPECT_EQ(rest.error().what, client_error::kind::closed);
    });
    auto options = options_for(node.address());
    options.notify = true;
    auto done = call(options);
    EXPECT_EQ(done.code, exit_ok);
    EXPECT_EQ(done.output, "");
  }
  EXPECT_FALSE(seen.contains("id"));
  EXPECT_FALSE(seen.contains("deadline_ms"));
}

TEST(call, refuses_calls_of_the_node_and_goes_on_waiting) {
  json refusal;
  {
    peer node([&](client& connection) {
      ASSERT_TRUE(connection.receive(test_deadline()));
      EXPECT_TRUE(connection.send(R"({"jsonrpc":"2.0","method":"note"})", test_deadline()));
      EXPECT_TRUE(connection.send(R"({"jsonrpc":"2.0","id":"x","method":"back"})", test_deadline()));
      refusal = received(connection);
      EXPECT_TRUE(connection.send(R"({"jsonrpc":"2.0","id":1,"result":"done"})", test_deadline()));
    });
    EXPECT_EQ(call(options_for(node.address())).output, "\"done\"\n");
  }
  EXPECT_EQ(refusal.at("id"), "x");
  EXPECT_EQ(refusal.at("error").at("code"), -32601);
}

TEST(call, gives_up_at_its_timeout) {
  peer node([](client& connection) {
    EXPECT_TRUE(connection.receive(test_deadline()));
    EXPECT_FALSE(connection.receive(test_deadline()));
  });
  auto options = options_for(node.address());
  options.timeout = std::chrono::milliseconds(50);
  auto done = call(options);
  EXPECT_EQ(done.code, exit_unreachable);
  EXPECT_THAT(done.errors, HasSubstr("within 50ms"));
  EXPECT_THAT(done.errors, HasSubstr("--timeout"));
}

TEST(call, reports_a_connection_that_ends_without_answer) {
  peer node([](client& connection) { EXPECT_TRUE(connection.receive(test_deadline())); });
  auto done = call(options_for(node.address()));
  EXPECT_EQ(done.code, exit_unreachable);
  EXPECT_THAT(done.errors, HasSubstr("closed the connection"));
}

TEST(call, reports_an_answer_that_is_no_json_rpc) {
  peer node(answering("{\"id\":1,"));
  auto done = call(options_for(node.address()));
  EXPECT_EQ(done.code, exit_unreachable);
  EXPECT_THAT(done.errors, HasSubstr("no JSON-RPC"));
}

TEST(call, reports_a_port_that_speaks_something_else) {
  peer node([](client& connection) {
    EXPECT_TRUE(connection.receive(test_deadline()));
    EXPECT_TRUE(connection.send_bytes("HTTP/1.1 400 Bad Request\r\n\r\n", test_deadline()));
    EXPECT_FALSE(connection.receive(test_deadline()));
  });
  auto done = call(options_for(node.address()));
  EXPECT_EQ(done.code, exit_unreachable);
  EXPECT_THAT(done.errors, EndsWith(": the peer speaks HTTP; is this the admin port of a node?\n"));
}

TEST(call, tells_what_was_no_frame_from_what_was_no_node) {
  peer stranger([](client& connection) {
    EXPECT_TRUE(connection.send_bytes("220 mail.example ESMTP\r\n", test_deadline()));
    while (connection.receive(test_deadline())) {
    }
  });
  EXPECT_THAT(call(options_for(stranger.address())).errors,
              HasSubstr("speaks something other than framed JSON-RPC"));
  peer broken([](client& connection) {
    EXPECT_TRUE(connection.send(R"({"jsonrpc":"2.0","method":"note"})", test_deadline()));
    EXPECT_TRUE(connection.send_bytes("HTTP/1.1 400 Bad Request\r\n\r\n", test_deadline()));
    while (connection.receive(test_deadline())) {
    }
  });
  EXPECT_THAT(call(options_for(broken.address())).errors,
              HasSubstr("sent no valid frame (frame length is over"));
}

TEST(call, reports_that_nobody_listens) {
  auto done = call(options_for(closed_address()));
  EXPECT_EQ(done.code, exit_unreachable);
  EXPECT_THAT(done.errors, HasSubstr("Connection refused"));
}

TEST(call, does_not_connect_with_wrong_params) {
  auto options = options_for(closed_address());
  options.params = "42";
  auto done = call(options);
  EXPECT_EQ(done.code, exit_usage);
  EXPECT_THAT(done.errors, HasSubstr("neither array nor object"));
}

struct params_test : testing::Test {
  std::expected<std::string, std::string> read(const std::string& argument, const std::string& input = "") {
    std::istringstream in(input);
    return read_params(argument, in);
  }
};

TEST_F(params_test, takes_arrays_and_objects_as_they_are) {
  EXPECT_EQ(read("[]"), "[]");
  EXPECT_EQ(read("{}"), "{}");
  EXPECT_EQ(read(" {\"a\" : 1.0}\n"), "{\"a\" : 1.0}");
}

TEST_F(params_test, reads_standard_input) {
  EXPECT_EQ(read("-", "[1,\n2]\n"), "[1,\n2]");
}

TEST_F(params_test, reads_a_file) {
  std::string path = testing::TempDir() + "tools_params.json";
  std::ofstream(path) << "{\"from\": \"file\"}\n";
  EXPECT_EQ(read("@" + path), "{\"from\": \"file\"}");
  std::remove(path.c_str());
  auto gone = read("@" + path);
  ASSERT_FALSE(gone);
  EXPECT_THAT(gone.error(), HasSubstr(path));
  EXPECT_THAT(gone.error(), HasSubstr("No such file"));
}

TEST_F(params_test, says_where_json_is_wrong) {
  auto wrong = read("{\"a\": }");
  ASSERT_FALSE(wrong);
  EXPECT_THAT(wrong.error(), HasSubstr("at byte 6"));
  EXPECT_THAT(wrong.error(), HasSubstr("@FILE"));
  EXPECT_FALSE(read(""));
  EXPECT_FALSE(read("\"text\""));
  EXPECT_FALSE(read("null"));
}

}  // namespace
}  // namespace weft::tools
