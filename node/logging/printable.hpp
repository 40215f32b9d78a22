// Text from outside, made safe to show: nothing that is printed moves a terminal's cursor, starts a line,
// turns the direction of text around or is invisible. Escaped are C0 and C1 controls, DEL, line and paragraph
// separators, bidirectional marks, embeddings, overrides and isolates, characters without width, tags,
// and bytes that are no UTF-8.
//
// Pure; safe from any thread.
#pragma once

#include <string>
#include <string_view>

namespace weft {

/// For text: `\x1b` for a control or a byte that is no UTF-8, `\u202e`, `\U000e0041`.
std::string printable(std::string_view text);

/// For a JSON text, which keeps its value: `\u202e` in strings. Line feeds and tabs stay, as between members;
/// a byte that is no UTF-8 becomes U+FFFD.
std::string printable_json(std::string_view json);

/// Like `printable`, but line feeds and tabs stay: for a text of several lines.
std::string printable_lines(std::string_view text);

}  // namespace weft
