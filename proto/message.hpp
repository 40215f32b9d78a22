// Writing JSON-RPC 2.0 messages straight into an output buffer. Arguments called `raw_…` are JSON already.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "proto/error.hpp"

namespace weft::proto {

/// `{"jsonrpc":"2.0","id":ID,"result":RESULT}`; an empty id is written as null.
void append_result(std::string& out, std::string_view raw_id, std::string_view raw_result);
/// The same in two halves, for a result that is rendered in place.
void begin_result(std::string& out, std::string_view raw_id);
void end_result(std::string& out);

void append_error(std::string& out, std::string_view raw_id, const rpc_error& error);
void append_error_object(std::string& out, const rpc_error& error);

/// Part of a text, by position, since the text may move.
struct text_span {
  std::size_t at = 0;
  std::size_t size = 0;
  friend bool operator==(const text_span&, const text_span&) = default;
};

/// Where the members of a request lie that change on its way; empty for those it does not have.
struct request_spans {
  text_span id;
  text_span deadline;
};

/// Optional top-level members of an outgoing request; empty or negative leaves one out.
struct request_members {
  std::int64_t deadline_ms = -1;
  std::string_view raw_traceparent;
  std::string_view raw_tracestate;
  std::string_view raw_route_key{};
};

/// A request, or a notification when `raw_id` is empty. Empty params are left out. Positions count from where
/// the request begins.
request_spans append_request(std::string& out, std::string_view raw_id, std::string_view method,
                             std::string_view raw_params, const request_members& members = {});

/// A JSON string with quotes. Invalid UTF-8 becomes U+FFFD.
void append_quoted(std::string& out, std::string_view text);

/// Reads an error object's members. Unreadable parts become code internal_error and the raw text as message.
rpc_error parse_error_object(std::string_view raw_error);

}  // namespace weft::proto
