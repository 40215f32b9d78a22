// Source code as it is written: lines with their indentation, string literals, comments.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace weft::gen {

class lines {
 public:
  explicit lines(std::size_t step) noexcept : step_(step) {}

  /// One line, or several with line feeds in them; an empty one is a blank line.
  void add(std::string_view text);
  /// At least so many blank lines in front of what follows, also at the beginning.
  void space(std::size_t count = 1);
  void indent() noexcept { depth_ += step_; }
  void dedent() noexcept { depth_ -= step_; }
  const std::string& text() const noexcept { return text_; }

 private:
  std::size_t step_;
  std::size_t depth_ = 0;
  std::string text_;
};

enum class dialect : unsigned char { python, typescript, cpp };

/// The text in double quotes, in ASCII.
std::string string_literal(std::string_view text, dialect of);

/// The lines of a text for readers, safe to stand in a comment of any of the languages: nothing in them ends
/// it, and nothing is invisible.
std::vector<std::string> comment_lines(std::string_view text);

}  // namespace weft::gen
