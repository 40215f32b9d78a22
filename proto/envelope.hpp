// The envelope of a JSON-RPC 2.0 message: what a router needs, without a DOM.
//
// One pass validates the whole text (RFC 8259 grammar, UTF-8 as of RFC 3629, nesting depth) and notes where
// the top-level members lie. Values stay raw bytes: ids are echoed as they came, params and results pass
// through.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "proto/json/defect.hpp"

namespace weft::proto {

enum class message_kind : std::uint8_t { request, notification, response, invalid };

/// Raw spans of the top-level members; empty means absent. All views point into the scanned text.
struct envelope {
  message_kind kind = message_kind::invalid;
  /// What is wrong when kind is invalid.
  defect why = defect::none;
  /// The method's name holds escapes: compare only after `unescape`.
  bool method_escaped = false;
  /// A response in the form of JSON-RPC 1.0, where the half that does not apply is null: it is not to be
  /// passed on as it came.
  bool old_form = false;
#define WEFT_ENVELOPE_MEMBER(name) std::string_view name;
#include "proto/envelope_members.inc"
#undef WEFT_ENVELOPE_MEMBER
  /// The whole message object.
  std::string_view text;
};

struct scan_options {
  std::size_t max_depth = 64;
  std::size_t max_batch = 100;
  /// False accepts messages without a "jsonrpc" member; a wrong one is refused all the same.
  bool require_version = true;
};

enum class scan_kind : std::uint8_t {
  /// One message, in `single`.
  single,
  /// A batch of at least one element, in `batch`, in order.
  batch,
  /// Answered with one error object: `why` says -32700 or -32600.
  rejected,
};

struct scan_result {
  scan_kind kind = scan_kind::rejected;
  defect why = defect::none;
  /// Where in the text the defect was seen.
  std::size_t offset = 0;
};

/// Scans one frame's payload. Allocates only when `batch` has to grow, so a caller that keeps it allocates
/// nothing. No recursion, and no read beyond `text`.
scan_result scan(std::string_view text, const scan_options& options, envelope& single,
                 std::vector<envelope>& batch);

/// Validates any JSON text with the same grammar and limits (for values that do not come in an envelope).
scan_result validate(std::string_view text, std::size_t max_depth);

/// The id of a text that is no JSON but looks like a response of somebody who was called with a number as id:
/// the first `"id": NUMBER`, if no "method" stands in the text. Empty when there is none.
std::string_view find_response_id(std::string_view text) noexcept;

/// Replaces `out` by the decoded content (without quotes) of a JSON string that the scanner has accepted.
void unescape(std::string_view content, std::string& out);

}  // namespace weft::proto
