#include "actors/router/splice.hpp"

#include <charconv>

namespace weft {
namespace {

void append_number(std::string& out, std::uint64_t number) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  out.append(digits, end);
}

}  // namespace

text_span append_request_for(std::string& out, std::string_view text, const request_spans& spans,
                             std::uint64_t number, std::int64_t left_ms) {
  const auto start = out.size();
  const auto [id, deadline] = spans;
  text_span written;
  std::size_t at = 0;
  const auto copy_to = [&](std::size_t end) {
    out.append(text.substr(at, end - at));
    at = end;
  };
  const auto put_id = [&] {
    copy_to(id.at);
    written.at = out.size() - start;
    append_number(out, number);
    written.size = out.size() - start - written.at;
    at = id.at + id.size;
  };
  const auto put_deadline = [&] {
    copy_to(deadline.at);
    append_number(out, static_cast<std::uint64_t>(left_ms));
    at = deadline.at + deadline.size;
  };
  if (deadline.size == 0 && left_ms < 0) {
    put_id();
  } else if (deadline.size == 0) {
    copy_to(1);
    out.append(R"("deadline_ms":)");
    append_number(out, static_cast<std::uint64_t>(left_ms));
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
  return written;
}

void append_with_id(std::string& out, std::string_view text, text_span id, std::uint64_t number) {
  out.append(text.substr(0, id.at));
  append_number(out, number);
  out.append(text.substr(id.at + id.size));
}

void append_traced(std::string& out, std::string_view text, text_span traceparent, std::string_view raw_value,
                   text_span dropped_tracestate, std::span<text_span* const> moved) {
  std::size_t at = 0;
  std::size_t grown[2] = {0, 0};
  text_span replaced[2];
  std::size_t count = 0;
  const auto replace = [&](text_span span, std::string_view value) {
    out.append(text.substr(at, span.at - at)).append(value);
    at = span.at + span.size;
    replaced[count] = span;
    grown[count++] = value.size() - span.size;
  };
  if (traceparent.size == 0) {
    std::string member = R"("traceparent":)";
    member.append(raw_value).push_back(',');
    replace({1, 0}, member);
  }
  const bool state_first = dropped_tracestate.at < traceparent.at;
  if (dropped_tracestate.size != 0 && state_first) replace(dropped_tracestate, R"("")");
  if (traceparent.size != 0) replace(traceparent, raw_value);
  if (dropped_tracestate.size != 0 && !state_first) replace(dropped_tracestate, R"("")");
  out.append(text.substr(at));
  for (auto* span : moved) {
    if (span->size == 0) continue;
    std::size_t shift = 0;
    for (std::size_t i = 0; i < count; ++i) {
      if (span->at >= replaced[i].at + replaced[i].size) shift += grown[i];
    }
    span->at += shift;
  }
}

void replace_span(std::string& text, text_span& at, std::string_view value,
                  std::span<text_span* const> moved) {
  text.replace(at.at, at.size, value);
  for (auto* span : moved) {
    if (span->size != 0 && span->at >= at.at + at.size) span->at += value.size() - at.size;
  }
  at.size = value.size();
}

void append_response_for(std::string& out, std::string_view text, text_span id, std::string_view raw_id) {
  out.append(text.substr(0, id.at)).append(raw_id).append(text.substr(id.at + id.size));
}

}  // namespace weft
