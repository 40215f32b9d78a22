// Any bytes as one frame's payload.
#include <array>
#include <string>
#include <vector>

#include "proto/envelope.hpp"
#include "proto/message.hpp"
#include "tests/fuzz/invariant.hpp"
#include "tests/support/acceptor_oracle.hpp"
#include "tests/support/json_oracle.hpp"

namespace {

using namespace weft::proto;
using weft::fuzz::require;

void check_span(std::string_view span, std::string_view text) {
  if (span.empty()) return;
  require(span.data() >= text.data() && span.data() + span.size() <= text.data() + text.size(),
          "spans lie inside of the text");
  require(validate(span, depth_limit).kind == scan_kind::single, "a member's span is a JSON value");
}

void check_method(const envelope& message) {
  const std::string_view method = message.method;
  if (method.data() == nullptr) return;
  std::string plain;
  unescape(method, plain);
  require(message.method_escaped == (method.find('\\') != std::string_view::npos), "escapes are noticed");
  require(plain.size() <= method.size(), "decoding never lengthens");
  std::string quoted;
  append_quoted(quoted, plain);
  require(nlohmann::json::parse(quoted) == nlohmann::json(plain), "a method survives decoding and quoting");
}

void check_message(const envelope& message, std::string_view text) {
  for (const std::string_view span :
       {message.id, message.params, message.result, message.error, message.deadline_ms, message.traceparent,
        message.tracestate, message.stream, message.route_key, message.text}) {
    check_span(span, text);
  }
  const bool invalid = message.kind == message_kind::invalid;
  require(invalid == (message.why != defect::none), "exactly the invalid messages have a defect");
  require(!is_parse_defect(message.why), "a message is JSON");
  if (message.kind == message_kind::request || message.kind == message_kind::notification) {
    check_method(message);
    require((message.kind == message_kind::request) == !message.id.empty(), "requests have an id");
  }
  if (message.kind == message_kind::response) {
    require(!message.id.empty() && message.result.empty() != message.error.empty(),
            "a response has one outcome");
    if (!message.error.empty()) parse_error_object(message.error);
  }
}

void check_outcome(const scan_result& outcome, std::string_view text) {
  const scan_result validated = validate(text, depth_limit);
  const bool is_json = outcome.kind != scan_kind::rejected || !is_parse_defect(outcome.why);
  require(outcome.offset <= text.size(), "the defect is in the text");
  if (outcome.why == defect::too_deep || validated.why == defect::too_deep) return;
  require(is_json == (validated.kind == scan_kind::single), "scan and validate agree on what is JSON");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = weft::fuzz::text_of(data, size);
  envelope single;
  std::vector<envelope> batch;
  constexpr std::array variants = {scan_options{},
                                   scan_options{.max_depth = 3, .max_batch = 2, .require_version = false}};
  for (const scan_options& options : variants) {
    const scan_result outcome = scan(text, options, single, batch);
    check_outcome(outcome, text);
    require(batch.size() <= options.max_batch, "no more messages are collected than allowed");
    if (outcome.kind == scan_kind::single) check_message(single, text);
    if (outcome.kind == scan_kind::batch) {
      require(!batch.empty(), "a batch has messages");
      for (const envelope& message : batch) check_message(message, text);
    }
  }
  const std::string disagreement = weft::test::disagreement(text);
  require(disagreement.empty(), disagreement);
  for (const std::size_t room : {std::size_t{3}, depth_limit}) {
    const std::string by_acceptor = weft::test::acceptor_disagreement(text, room);
    require(by_acceptor.empty(), by_acceptor);
    const std::string directly = weft::test::direct_disagreement(text, room);
    require(directly.empty(), directly);
  }
  return 0;
}
