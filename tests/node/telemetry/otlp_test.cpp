#include "node/telemetry/otlp.hpp"

#include <map>

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include "node/telemetry/http_client.hpp"

namespace weft::tracing {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using testing::HasSubstr;

call_record sample() {
  call_record call;
  call.method = "users.get";
  call.caller = "shop/7";
  call.caller_address = {"10.0.0.9", 4711};
  call.callee = "users/a";
  call.callee_node = "n2";
  call.attempts = 2;
  call.ended = std::chrono::system_clock::time_point(1'700'000'000s + 5ms);
  call.duration = 5ms;
  call.trace.known = call.trace.recording = true;
  call.trace.at = {0x4bf92f3577b34da6U, 0x00ce929d0e0e4736U, 0x00f067aa0ba902b7U, 1};
  call.trace.parent_span = 0xaU;
  return call;
}

json span_of(const call_record& call) {
  const auto request = json::parse(export_request({&call, 1}, "n1", "1.2.3"));
  return request.at("resourceSpans").at(0).at("scopeSpans").at(0).at("spans").at(0);
}

std::map<std::string, json> attributes_of(const json& list) {
  std::map<std::string, json> attributes;
  for (const auto& each : list) {
    EXPECT_TRUE(attributes.emplace(each.at("key"), each.at("value")).second) << each;
  }
  return attributes;
}

TEST(otlp, ids_are_hex_with_all_digits_and_times_strings_of_nanoseconds) {
  const auto span = span_of(sample());
  EXPECT_EQ(span.at("traceId"), "4bf92f3577b34da600ce929d0e0e4736");
  EXPECT_EQ(span.at("spanId"), "00f067aa0ba902b7");
  EXPECT_EQ(span.at("parentSpanId"), "000000000000000a");
  EXPECT_EQ(span.at("startTimeUnixNano"), "1700000000000000000");
  EXPECT_EQ(span.at("endTimeUnixNano"), "1700000000005000000");
  EXPECT_EQ(span.at("kind"), 2);
  EXPECT_EQ(span.at("flags"), 0x301);
}

TEST(otlp, the_resource_names_the_node) {
  const auto call = sample();
  const auto request = json::parse(export_request({&call, 1}, "n1", "1.2.3"));
  ASSERT_EQ(request.at("resourceSpans").size(), 1U);
  const auto resource = attributes_of(request.at("resourceSpans").at(0).at("resource").at("attributes"));
  EXPECT_EQ(resource.at("service.name"), json({{"stringValue", "weft"}}));
  EXPECT_EQ(resource.at("service.instance.id"), json({{"stringValue", "n1"}}));
  EXPECT_EQ(resource.at("service.version"), json({{"stringValue", "1.2.3"}}));
}

TEST(otlp, attributes_follow_the_conventions_for_json_rpc) {
  const auto attributes = attributes_of(span_of(sample()).at("attributes"));
  EXPECT_EQ(attributes.at("rpc.system.name"), json({{"stringValue", "jsonrpc"}}));
  EXPECT_EQ(attributes.at("rpc.method"), json({{"stringValue", "users.get"}}));
  EXPECT_EQ(attributes.at("network.peer.address"), json({{"stringValue", "10.0.0.9"}}));
  EXPECT_EQ(attributes.at("network.peer.port"), json({{"intValue", "4711"}}));
  EXPECT_EQ(attributes.at("weft.attempts"), json({{"intValue", "2"}}));
  EXPECT_FALSE(attributes.contains("error.type"));
  EXPECT_FALSE(attributes.contains("rpc.response.status_code"));
}

TEST(otlp, an_error_is_its_number_as_a_string) {
  auto call = sample();
  call.code = -32602;
  const auto span = span_of(call);
  EXPECT_EQ(span.at("status"), json({{"code", 2}, {"message", "INVALID_PARAMS"}}));
  const auto attributes = attributes_of(span.at("attributes"));
  EXPECT_EQ(attributes.at("rpc.response.status_code"), json({{"stringValue", "-32602"}}));
  EXPECT_EQ(attributes.at("error.type"), json({{"stringValue", "-32602"}}));
}

TEST(otlp, what_is_unknown_is_left_out) {
  call_record call;
  call.side = call_side::client;
  call.method = "m";
  call.trace.at = {1, 2, 3, 1};
  const auto span = span_of(call);
  EXPECT_EQ(span.at("kind"), 3);
  EXPECT_EQ(span.at("flags"), 0x101);
  for (const char* absent : {"parentSpanId", "traceState", "status"}) EXPECT_FALSE(span.contains(absent));
  const auto attributes = attributes_of(span.at("attributes"));
  for (const char* absent : {"network.peer.address", "network.peer.port", "weft.caller", "weft.callee",
                             "weft.callee.node", "weft.attempts", "rpc.method_original"}) {
    EXPECT_FALSE(attributes.contains(absent)) << absent;
  }
}

TEST(otlp, a_method_that_nobody_serves_does_not_become_a_name) {
  auto call = sample();
  call.registered = false;
  const auto span = span_of(call);
  EXPECT_EQ(span.at("name"), "jsonrpc");
  const auto attributes = attributes_of(span.at("attributes"));
  EXPECT_EQ(attributes.at("rpc.method"), json({{"stringValue", "_OTHER"}}));
  EXPECT_EQ(attributes.at("rpc.method_original"), json({{"stringValue", "users.get"}}));
}

TEST(otlp, the_state_is_decoded_and_nonsense_left_out) {
  auto call = sample();
  call.trace.raw_tracestate = R"("v=\u0031")";
  EXPECT_EQ(span_of(call).at("traceState"), "v=1");
  for (const char* raw : {"7", "{}", "\"open"}) {
    call.trace.raw_tracestate = raw;
    EXPECT_FALSE(span_of(call).contains("traceState")) << raw;
  }
}

TEST(otlp, text_that_is_no_utf8_does_not_spoil_the_batch) {
  auto call = sample();
  call.method = "a\xff";
  EXPECT_EQ(span_of(call).at("name"), "a\uFFFD");
}

TEST(export_response, tells_how_many_spans_were_rejected) {
  const auto both = read_export_response(R"({"partialSuccess":{"rejectedSpans":"3","errorMessage":"why"}})");
  EXPECT_EQ(both.rejected, 3);
  EXPECT_EQ(both.message, "why");
  EXPECT_EQ(read_export_response(R"({"partialSuccess":{"rejectedSpans":3}})").rejected, 3);
  for (const char* full :
       {"", "{}", "[]", "no json", R"({"partialSuccess":null})",
        R"({"partialSuccess":{"rejectedSpans":"x"}})", R"({"partialSuccess":{"rejectedSpans":-1}})"}) {
    EXPECT_EQ(read_export_response(full).rejected, 0) << full;
  }
}

TEST(endpoint, is_the_whole_url_of_a_collector) {
  for (const char* fine : {"", "http://127.0.0.1:4318/v1/traces", "https://collector.example/v1/traces",
                           "http://[::1]:4318/otlp/v1/traces"}) {
    EXPECT_EQ(check_url(fine), "") << fine;
  }
  EXPECT_THAT(check_url("127.0.0.1:4318/v1/traces"), HasSubstr("write one such as http://127.0.0.1:4318/v1"));
  EXPECT_THAT(check_url("ftp://a/v1/traces"), HasSubstr("neither http:// nor https://"));
  EXPECT_THAT(check_url("http://a:4318"), HasSubstr("has no path"));
  EXPECT_THAT(check_url("http://a:99999/v1/traces"), HasSubstr("is not a URL"));
  const auto with_password = check_url("https://me:secret@a/v1/traces");
  EXPECT_THAT(with_password, HasSubstr("holds a user or a password"));
  EXPECT_THAT(with_password, testing::Not(HasSubstr("secret")));
}

}  // namespace
}  // namespace weft::tracing
