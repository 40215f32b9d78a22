#include "proto/json/defect.hpp"

#include <utility>

namespace weft::proto {

std::string_view to_string(defect why) noexcept {
  switch (why) {
    case defect::none:
      return "no defect";
    case defect::empty_text:
      return "empty text where a JSON value is required";
    case defect::unexpected_character:
      return "unexpected character outside a string";
    case defect::unexpected_end:
      return "text ends inside a JSON value";
    case defect::trailing_bytes:
      return "bytes after the JSON value";
    case defect::bad_literal:
      return "misspelt literal, which must be true, false or null";
    case defect::bad_number:
      return "malformed number";
    case defect::bad_escape:
      return "malformed escape in a string";
    case defect::lone_surrogate:
      return "escaped surrogate without its other half";
    case defect::control_character:
      return "control character in a string, which must be escaped";
    case defect::invalid_utf8:
      return "invalid UTF-8 in a string";
    case defect::byte_order_mark:
      return "byte order mark before the JSON value";
    case defect::too_deep:
      return "nested deeper than the limit";
    case defect::not_an_object:
      return "a message must be a JSON object";
    case defect::duplicate_member:
      return "a member of the message occurs twice";
    case defect::version_missing:
      return "member \"jsonrpc\" is missing, it must be \"2.0\"";
    case defect::version_unsupported:
      return "member \"jsonrpc\" must be the string \"2.0\"";
    case defect::id_not_scalar:
      return "member \"id\" must be a string, a number or null";
    case defect::method_missing:
      return "member \"method\" is missing";
    case defect::method_not_string:
      return "member \"method\" must be a string";
    case defect::params_not_structured:
      return "member \"params\" must be an array or an object";
    case defect::result_and_error:
      return "a response must have exactly one of \"result\" and \"error\"";
    case defect::error_malformed:
      return "malformed response: it needs \"jsonrpc\": \"2.0\", each member once, and an \"error\" with an "
             "integer \"code\" and a string \"message\"";
    case defect::response_without_id:
      return "a response needs an \"id\" that is a string, a number or null";
    case defect::empty_batch:
      return "a batch must not be empty";
    case defect::batch_too_large:
      return "more messages in the batch than the limit";
  }
  std::unreachable();
}

bool is_parse_defect(defect why) noexcept {
  return why >= defect::empty_text && why <= defect::too_deep;
}

bool is_response_defect(defect why) noexcept {
  return why == defect::result_and_error || why == defect::error_malformed ||
         why == defect::response_without_id;
}

}  // namespace weft::proto
