#include "node/logging/printable.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>

#include <fmt/format.h>

namespace weft {
namespace {

enum class style : std::uint8_t { line, lines, json };

struct code_point {
  char32_t value;
  /// 0: the first byte begins no character.
  std::size_t bytes;
};

/// The character at the start of `text`, as RFC 3629 has it: no overlong forms, no surrogates.
code_point decode(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto first = byte(0);
  if (first < 0x80) return {first, 1};
  const std::size_t bytes = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  constexpr std::array<char32_t, 5> least = {0, 0, 0x80, 0x800, 0x10000};
  if (first < 0xc2 || first > 0xf4 || text.size() < bytes) return {0, 0};
  char32_t value = first & (0x7fU >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xc0U) != 0x80) return {0, 0};
    value = value << 6U | (byte(i) & 0x3fU);
  }
  if (value < least[bytes] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) return {0, 0};
  return {value, bytes};
}

struct range {
  char32_t first;
  char32_t last;
};

constexpr std::array<range, 17> unsafe = {{
    {0x00, 0x1f},        // C0 controls
    {0x7f, 0x9f},        // DEL and C1 controls
    {0xad, 0xad},        // soft hyphen
    {0x34f, 0x34f},      // combining grapheme joiner
    {0x61c, 0x61c},      // Arabic letter mark
    {0x115f, 0x1160},    // Hangul fillers
    {0x17b4, 0x17b5},    // Khmer inherent vowels
    {0x180b, 0x180f},    // Mongolian separators
    {0x200b, 0x200f},    // zero width, left-to-right and right-to-left marks
    {0x2028, 0x202e},    // line and paragraph separators, embeddings and overrides
    {0x2060, 0x206f},    // word joiner, invisible operators, isolates
    {0x3164, 0x3164},    // Hangul filler
    {0xfeff, 0xfeff},    // byte order mark
    {0xffa0, 0xffa0},    // half-width Hangul filler
    {0xfff0, 0xfffb},    // interlinear annotations
    {0x1d173, 0x1d17a},  // musical controls
    {0xe0000, 0xe0fff},  // tags and variation selectors
}};

bool is_unsafe(char32_t value) {
  return std::ranges::any_of(unsafe, [value](range r) { return value >= r.first && value <= r.last; });
}

void append_escape(std::string& out, char32_t value, style how) {
  const auto number = static_cast<std::uint32_t>(value);
  auto to = std::back_inserter(out);
  if (how != style::json && number < 0x80)
    fmt::format_to(to, "\\x{:02x}", number);
  else if (number <= 0xffff)
    fmt::format_to(to, "\\u{:04x}", number);
  else if (how == style::json)
    fmt::format_to(to, "\\u{:04x}\\u{:04x}", 0xd7c0 + (number >> 10U), 0xdc00 | (number & 0x3ffU));
  else
    fmt::format_to(to, "\\U{:08x}", number);
}

std::string escape(std::string_view text, style how) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const auto first = static_cast<unsigned char>(text.front());
    if (first >= 0x20 && first < 0x7f) {
      out.push_back(text.front());
      text.remove_prefix(1);
      continue;
    }
    const auto [value, bytes] = decode(text);
    if (bytes == 0 && how == style::json)
      out.append("\\ufffd");
    else if (bytes == 0)
      fmt::format_to(std::back_inserter(out), "\\x{:02x}", first);
    else if (how != style::line && (value == '\n' || value == '\t'))
      out.push_back(static_cast<char>(value));
    else if (how == style::json && value == '\r')
      // Only between members: JSON has no raw control in a string.
      out.push_back(' ');
    else if (is_unsafe(value))
      append_escape(out, value, how);
    else
      out.append(text.substr(0, bytes));
    text.remove_prefix(std::max<std::size_t>(bytes, 1));
  }
  return out;
}

}  // namespace

std::string printable(std::string_view text) {
  return escape(text, style::line);
}

std::string printable_json(std::string_view json) {
  return escape(json, style::json);
}

std::string printable_lines(std::string_view text) {
  return escape(text, style::lines);
}

}  // namespace weft
