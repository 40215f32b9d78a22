#include "node/gen/text.hpp"

#include <cstdint>

#include <fmt/format.h>

#include "node/logging/printable.hpp"

namespace weft::gen {
namespace {

constexpr std::uint32_t replacement = 0xFFFD;

/// Takes a character of UTF-8 from the front of the text.
std::uint32_t take_character(std::string_view& text) {
  const auto first = static_cast<unsigned char>(text.front());
  const std::size_t length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  if (length == 1 || first < 0xC2 || text.size() < length) {
    text.remove_prefix(1);
    return first < 0x80 ? first : replacement;
  }
  std::uint32_t code = first & (0xFFU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i)
    code = (code << 6U) | (static_cast<unsigned char>(text[i]) & 0x3FU);
  text.remove_prefix(length);
  return code;
}

std::string escaped(std::uint32_t code, dialect of) {
  // Three octal digits end by themselves; hexadecimal ones would take what follows in C++.
  if (code < 0x80) return of == dialect::cpp ? fmt::format("\\{:03o}", code) : fmt::format("\\x{:02x}", code);
  if (code < 0x10000) return fmt::format("\\u{:04x}", code);
  return of == dialect::typescript ? fmt::format("\\u{{{:x}}}", code) : fmt::format("\\U{:08x}", code);
}

void replace_all(std::string& text, std::string_view what, std::string_view with) {
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size()))
    text.replace(at, what.size(), with);
}

}  // namespace

void lines::add(std::string_view text) {
  do {
    const auto end = text.find('\n');
    const auto line = text.substr(0, end);
    if (!line.empty()) text_.append(depth_, ' ').append(line);
    text_ += '\n';
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  } while (!text.empty());
}

void lines::space(std::size_t count) {
  const auto last = text_.find_last_not_of('\n');
  const auto ends = text_.empty() ? 1 : text_.size() - (last == std::string::npos ? 0 : last + 1);
  if (ends < count + 1) text_.append(count + 1 - ends, '\n');
}

std::string string_literal(std::string_view text, dialect of) {
  std::string made = "\"";
  while (!text.empty()) {
    const auto code = take_character(text);
    if (code == '"' || code == '\\') {
      made += '\\';
      made += static_cast<char>(code);
    } else if (code == '?' && of == dialect::cpp && made.ends_with('?')) {
      // No trigraph.
      made += "\\?";
    } else if (code >= 0x20 && code < 0x7F) {
      made += static_cast<char>(code);
    } else {
      made += escaped(code, of);
    }
  }
  return made + '"';
}

std::vector<std::string> comment_lines(std::string_view text) {
  std::vector<std::string> made;
  while (!text.empty()) {
    const auto end = text.find('\n');
    auto raw = text.substr(0, end);
    raw = raw.substr(0, raw.find_last_not_of(" \t\r") + 1);
    auto line = printable(raw);
    replace_all(line, "*/", "* /");
    replace_all(line, "\"\"\"", "'''");
    // It would continue the line.
    if (line.ends_with('\\')) line += '.';
    made.push_back(std::move(line));
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  while (!made.empty() && made.back().empty()) made.pop_back();
  return made;
}

}  // namespace weft::gen
