#include "actors/router/splice.hpp"

#include <charconv>

namespace weft {
namespace {

void append_number(std::string& out, std::int64_t number) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  out.append(digits, end);
}

}  // namespace

void append_request_for(std::string& out, std::string_view text, text_span id, std::uint64_t number,
                        text_span deadline, std::int64_t left_ms) {
  std::size_t at = 0;
  const auto copy_to = [&](std::size_t end) {
    out.append(text.substr(at, end - at));
    at = end;
  };
  const auto put_id = [&] {
    copy_to(id.at);
    append_number(out, static_cast<std::int64_t>(number));
    at = id.at + id.size;
  };
  const auto put_deadline = [&] {
    copy_to(deadline.at);
    append_number(out, left_ms);
    at = deadline.at + deadline.size;
  };
  if (deadline.size == 0) {
    copy_to(1);
    out.append(R"("deadline_ms":)");
    append_number(out, left_ms);
    out.push_back(',');
    put_id();
  } else if (id.at < deadline.at) {
    put_id();
    put_deadline();
  } else {
    put_deadline();
    put_id();
  }
  copy_to(text.size());
}

void append_traced(std::string& out, std::string_view text, text_span traceparent, std::string_view raw_value,
                   text_span dropped_tracestate) {
  std::size_t at = 0;
  const auto replace = [&](text_span span, std::string_view value) {
    out.append(text.substr(at, span.at - at)).append(value);
    at = span.at + span.size;
  };
  if (traceparent.size == 0) {
    replace({1, 0}, R"("traceparent":)");
    out.append(raw_value).push_back(',');
  }
  const bool state_first = dropped_tracestate.at < traceparent.at;
  if (dropped_tracestate.size != 0 && state_first) replace(dropped_tracestate, R"("")");
  if (traceparent.size != 0) replace(traceparent, raw_value);
  if (dropped_tracestate.size != 0 && !state_first) replace(dropped_tracestate, R"("")");
  out.append(text.substr(at));
}

void append_response_for(std::string& out, std::string_view text, text_span id, std::string_view raw_id) {
  out.append(text.substr(0, id.at)).append(raw_id).append(text.substr(id.at + id.size));
}

}  // namespace weft
