// What can be wrong with a text or a message.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weft::proto {

/// The most levels of nesting that can be allowed.
inline constexpr std::size_t depth_limit = 1024;

/// Why a text is no JSON (the first group, answered -32700) or JSON but no JSON-RPC message (-32600).
enum class defect : std::uint8_t {
  none,
  // -- not JSON
  empty_text,
  unexpected_character,
  unexpected_end,
  trailing_bytes,
  bad_literal,
  bad_number,
  bad_escape,
  lone_surrogate,
  control_character,
  invalid_utf8,
  byte_order_mark,
  too_deep,
  // -- JSON, but not a message
  not_an_object,
  duplicate_member,
  version_missing,
  version_unsupported,
  id_not_scalar,
  method_missing,
  method_not_string,
  params_not_structured,
  // -- a malformed response, which is never answered
  /// Not exactly one of result and error.
  result_and_error,
  /// The error is no object with an integer code and a string message, the version is wrong or a member is
  /// doubled.
  error_malformed,
  /// No id that could be matched with a request's.
  response_without_id,
  // -- JSON, but not a batch
  empty_batch,
  batch_too_large,
};

/// An English phrase for error messages, such as "control character in a string".
std::string_view to_string(defect) noexcept;
/// True for the first group of `defect`.
bool is_parse_defect(defect) noexcept;
/// True for defects of messages that look like a response: answering them could go on for ever.
bool is_response_defect(defect) noexcept;

}  // namespace weft::proto
