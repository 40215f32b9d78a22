#include "proto/json/json_escape.hpp"

#include "proto/json/utf8.hpp"

namespace weft::proto {
namespace {

/// What `\c` stands for; NUL when it takes more than one letter or is no escape.
char short_escape(char c) noexcept {
  switch (c) {
    case '"':
    case '\\':
    case '/':
      return c;
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return '\0';
  }
}

/// Decodes `\uXXXX`, or the pair of two; false when it is neither.
bool decode_unit(const char*& at, const char* end, char*& out) noexcept {
  if (end - at < 6 || at[1] != 'u') return false;
  const std::int32_t unit = hex_unit(at + 2, end);
  if (unit < 0) return false;
  if (!is_surrogate(unit)) {
    out = write_utf8(out, static_cast<std::uint32_t>(unit));
    at += 6;
    return true;
  }
  if (!is_high_surrogate(unit) || end - at < 12 || at[6] != '\\' || at[7] != 'u') return false;
  const std::int32_t low = hex_unit(at + 8, end);
  if (!is_low_surrogate(low)) return false;
  out = write_utf8(out, static_cast<std::uint32_t>(0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00)));
  at += 12;
  return true;
}

}  // namespace

std::size_t decode_escapes(std::string_view content, char* out) noexcept {
  char* const start = out;
  const char* at = content.data();
  const char* const end = at + content.size();
  while (at != end) {
    if (*at != '\\') {
      *out++ = *at++;
      continue;
    }
    const char plain = end - at >= 2 ? short_escape(at[1]) : '\0';
    if (plain != '\0') {
      *out++ = plain;
      at += 2;
    } else if (!decode_unit(at, end, out)) {
      *out++ = *at++;
    }
  }
  return static_cast<std::size_t>(out - start);
}

}  // namespace weft::proto
