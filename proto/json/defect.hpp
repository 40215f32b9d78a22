// What can be wrong with a text or a message.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weft::proto {

/// The most levels of nesting that can be allowed.
inline constexpr std::size_t depth_limit = 1024;

enum class defect : std::uint8_t {
#define WEFT_DEFECT(name, text) name,
#include "proto/json/defects.inc"
#undef WEFT_DEFECT
};

/// An English phrase for error messages, such as "control character in a string".
std::string_view to_string(defect) noexcept;
/// The text is no JSON: the first group of `defect`.
bool is_parse_defect(defect) noexcept;
/// True for defects of messages that look like a response: answering them could go on for ever.
bool is_response_defect(defect) noexcept;

}  // namespace weft::proto
