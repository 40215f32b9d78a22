#include "actors/router/splice.hpp"

#include <gtest/gtest.h>

#include "proto/envelope.hpp"

namespace weft {
namespace {

constexpr std::string_view value = R"("00-new")";

std::string traced(std::string_view text, bool drop_state = false) {
  proto::envelope message;
  std::vector<proto::envelope> none;
  proto::scan(text, {}, message, none);
  std::string out;
  append_traced(out, text, span_in(text, message.traceparent), value,
                drop_state ? span_in(text, message.tracestate) : text_span{});
  return out;
}

TEST(traceparent_splice, replaces_the_value_and_nothing_else) {
  EXPECT_EQ(traced(R"({"jsonrpc":"2.0", "traceparent" : "00-old" ,"id":1,"method":"m"})"),
            R"({"jsonrpc":"2.0", "traceparent" : "00-new" ,"id":1,"method":"m"})");
  EXPECT_EQ(traced(R"({"jsonrpc":"2.0","id":1,"method":"m","traceparent":{"a":[]}})"),
            R"({"jsonrpc":"2.0","id":1,"method":"m","traceparent":"00-new"})");
}

TEST(traceparent_splice, an_absent_member_is_put_in_front) {
  EXPECT_EQ(traced(R"({"jsonrpc":"2.0","id":1,"method":"m","tracestate":"v=1"})"),
            R"({"traceparent":"00-new","jsonrpc":"2.0","id":1,"method":"m","tracestate":"v=1"})");
}

TEST(traceparent_splice, a_state_that_is_dropped_becomes_empty_wherever_it_stands) {
  EXPECT_EQ(traced(R"({"tracestate":"v=1","traceparent":1,"jsonrpc":"2.0","id":1,"method":"m"})", true),
            R"({"tracestate":"","traceparent":"00-new","jsonrpc":"2.0","id":1,"method":"m"})");
  EXPECT_EQ(traced(R"({"traceparent":1,"jsonrpc":"2.0","id":1,"method":"m","tracestate":"v=1"})", true),
            R"({"traceparent":"00-new","jsonrpc":"2.0","id":1,"method":"m","tracestate":""})");
  EXPECT_EQ(traced(R"({"jsonrpc":"2.0","id":1,"method":"m","tracestate":7})", true),
            R"({"traceparent":"00-new","jsonrpc":"2.0","id":1,"method":"m","tracestate":""})");
}

}  // namespace
}  // namespace weft
