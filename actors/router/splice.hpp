// Passing a message on as the bytes it came as, with another id and the time that is left. Pure functions.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "proto/message.hpp"

namespace weft {

using proto::request_spans;
using proto::text_span;

/// Where `part`, a view into `text`, lies in it; empty for an absent member.
inline text_span span_in(std::string_view text, std::string_view part) noexcept {
  if (part.empty()) return {};
  return {static_cast<std::size_t>(part.data() - text.data()), part.size()};
}

/// Appends the request `text`, an object, with `number` as its id and `left_ms` as its deadline. An absent
/// deadline is put in front of the other members, unless it is negative. Returns where the id lies, counted
/// from where the request begins. REQUIRES: `at.id` is not empty.
text_span append_request_for(std::string& out, std::string_view text, const request_spans& at,
                             std::uint64_t number, std::int64_t left_ms);

/// Appends the request `text` with another id and nothing else changed.
void append_with_id(std::string& out, std::string_view text, text_span id, std::uint64_t number);

/// Appends the request `text`, an object, with `raw_value` as its traceparent: in place of the one that it
/// has, or in front of the other members. The same for a tracestate that must not be passed on, which becomes
/// "". Spans in `moved` lie where they did in `text`, and then where they do in what was appended.
void append_traced(std::string& out, std::string_view text, text_span traceparent, std::string_view raw_value,
                   text_span dropped_tracestate, std::span<text_span* const> moved = {});

/// Replaces what lies at `at` by `value`, whose place `at` is then. Spans in `moved` lie where they did, and
/// then where they do.
void replace_span(std::string& text, text_span& at, std::string_view value,
                  std::span<text_span* const> moved = {});

/// Appends the response `text` with `raw_id` as its id.
void append_response_for(std::string& out, std::string_view text, text_span id, std::string_view raw_id);

}  // namespace weft
