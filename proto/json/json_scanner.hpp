// Walks over JSON values without building anything: the grammar of RFC 8259, UTF-8 and nesting depth in one
// pass.
//
// Each `skip_…` takes the position of a token and returns the position behind it, or nullptr after noting
// what is wrong in `why()` and `offset()`. No recursion, no allocation, no read beyond the text. Thread
// safety: a scanner belongs to one scan.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "proto/json/block_readable.hpp"
#include "proto/json/defect.hpp"
#include "proto/json/nesting.hpp"
#include "proto/json/simd/acceptor.hpp"
#include "proto/json/sse2_block.hpp"

namespace weft::proto {

class json_scanner {
 public:
  explicit json_scanner(const block_readable& text,
                        container_acceptor accept_container = fastest_acceptor()) noexcept
      : begin_(text.view().data()),
        end_(begin_ + text.view().size()),
        last_block_(end_ - block_bytes),
        accept_container_(accept_container) {}

  /// Says that the text is one value or message: where it is large, some container makes up most of it, and
  /// the acceptor gets it early. In a batch, only what has been walked tells how large a container may be.
  void expect_one_large_container() noexcept { walk_bytes_ = 32; }

  const char* begin() const noexcept { return begin_; }
  const char* end() const noexcept { return end_; }
  defect why() const noexcept { return why_; }
  std::size_t offset() const noexcept { return offset_; }

  /// The byte at `at`; at the end NUL, which no rule of the grammar accepts.
  char peek(const char* at) const noexcept { return at == end_ ? '\0' : *at; }

  const char* skip_space(const char* at) const noexcept {
    while (at != end_ && static_cast<unsigned char>(*at) <= ' ' && is_space(*at)) ++at;
    return at;
  }

  /// `at` stands behind the opening quote. Sets `escape_seen` when the string holds escapes.
  const char* skip_string(const char* at) noexcept {
    const std::uint32_t stops = string_stops_from(at);
    if (stops != 0) {
      at += std::countr_zero(stops);
      if (*at == '"') return at + 1;
    }
    return skip_rest_of_string(at);
  }

  const char* skip_number(const char* at) noexcept {
    if (*at == '-') ++at;
    const char* integer = at;
    at = skip_digits(at);
    // One digit, or several without a leading zero.
    if (at - integer != 1 && (at == integer || *integer == '0')) return fail(defect::bad_number, at);
    const char next = peek(at);
    return next == '.' || next == 'e' || next == 'E' ? skip_fraction_and_exponent(at) : at;
  }

  /// Any value; `room` is how many levels of nesting it may have.
  const char* skip_value(const char* at, std::size_t room) noexcept {
    const char first = peek(at);
    if (first == '"') return skip_string(at + 1);
    if (first == '{' || first == '[') return skip_container(at, room);
    return skip_number_or_literal(at, first);
  }

  /// `"name" :`, and the space behind it.
  const char* skip_name(const char* at) noexcept {
    if (peek(at) != '"') return fail(defect::unexpected_character, at);
    at = skip_string(at + 1);
    return at == nullptr ? nullptr : skip_colon(at);
  }

  const char* skip_colon(const char* at) noexcept {
    if (peek(at) != ':') {
      at = skip_space(at);
      if (peek(at) != ':') return fail(defect::unexpected_character, at);
    }
    return skip_space(at + 1);
  }

  const char* skip_container(const char* at, std::size_t room) noexcept;

  /// Notes the defect; at the end of the text it is an unexpected end, whatever was looked for.
  [[gnu::cold]] std::nullptr_t fail(defect why, const char* at) noexcept;

  /// The same for a text that ends before its value begins.
  [[gnu::cold]] std::nullptr_t fail_at_end(defect why) noexcept;

  /// Set by `skip_string`, never cleared by it.
  bool escape_seen = false;

 private:
  static bool is_space(char c) noexcept { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

  /// Answers for the bytes from `at`; those behind the end of the text do not count as stops.
  std::uint32_t string_stops_from(const char* at) const noexcept {
    if (at <= last_block_) [[likely]]
      return string_stops(at);
    return string_stops(last_block_) >> (at - last_block_);
  }

  const char* skip_digits(const char* at) const noexcept {
    while (at != end_ && static_cast<unsigned char>(*at - '0') <= 9) ++at;
    return at;
  }

  const char* skip_number_or_literal(const char* at, char first) noexcept {
    if (first == '-' || static_cast<unsigned char>(first - '0') <= 9) return skip_number(at);
    return skip_literal(at, first);
  }

  const char* skip_literal(const char* at, char first) noexcept;
  const char* skip_rest_of_string(const char* at) noexcept;
  const char* skip_escape(const char* at) noexcept;
  const char* skip_non_ascii(const char* at) noexcept;
  const char* skip_fraction_and_exponent(const char* at) noexcept;
  const char* skip_rest_of_container(const char* at, const nesting& levels, std::size_t room) const noexcept;

  const char* begin_;
  const char* end_;
  const char* last_block_;
  container_acceptor accept_container_;
  /// How much of a container is walked before the acceptor gets what is left of it. Never nothing: what holds
  /// just one long string is walked faster.
  std::ptrdiff_t walk_bytes_ = 128;
  defect why_ = defect::none;
  std::size_t offset_ = 0;
};

}  // namespace weft::proto
