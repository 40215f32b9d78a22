#include "proto/json/json_scanner.hpp"

#include "proto/json/json_escape.hpp"
#include "proto/json/utf8.hpp"

namespace weft::proto {
namespace {

/// An acceptor pays for itself from some 350 bytes on, so it is asked where at least so many are left.
constexpr std::ptrdiff_t large_bytes = 512;

}  // namespace

std::nullptr_t json_scanner::fail(defect why, const char* at) noexcept {
  const bool at_end = at >= end_;
  why_ = at_end && why != defect::too_deep ? defect::unexpected_end : why;
  offset_ = static_cast<std::size_t>((at_end ? end_ : at) - begin_);
  return nullptr;
}

std::nullptr_t json_scanner::fail_at_end(defect why) noexcept {
  why_ = why;
  offset_ = static_cast<std::size_t>(end_ - begin_);
  return nullptr;
}

const char* json_scanner::skip_container(const char* at, std::size_t room) noexcept {
  nesting levels;
  const bool is_large = accept_container_ != nullptr && end_ - at >= large_bytes;
  const char* turning_point = is_large ? at + walk_bytes_ : end_;
  for (;;) {
    if (at >= turning_point) [[unlikely]] {
      if (const char* behind = skip_rest_of_container(at, levels, room)) return behind;
      turning_point = end_;
    }
    const char first = peek(at);
    bool value_complete = true;
    if (first == '{' || first == '[') {
      if (levels.depth() == room) return fail(defect::too_deep, at);
      const bool is_object = first == '{';
      levels.push(is_object);
      at = skip_space(at + 1);
      // An empty container is closed below, as any other after its last value.
      value_complete = peek(at) == (is_object ? '}' : ']');
      if (!value_complete && is_object) at = skip_name(at);
    } else {
      at = first == '"' ? skip_string(at + 1) : skip_number_or_literal(at, first);
    }
    if (at == nullptr) return nullptr;
    if (!value_complete) continue;

    for (;;) {
      at = skip_space(at);
      const char next = peek(at);
      if (next == ',') {
        at = skip_space(at + 1);
        if (levels.in_object()) at = skip_name(at);
        if (at == nullptr) return nullptr;
        break;
      }
      if (next != (levels.in_object() ? '}' : ']')) return fail(defect::unexpected_character, at);
      ++at;
      levels.pop();
      if (levels.depth() == 0) return at;
    }
  }
}

const char* json_scanner::skip_rest_of_container(const char* at, const nesting& levels,
                                                 std::size_t room) const noexcept {
  if (end_ - at < acceptor_bytes || levels.depth() > acceptor_depth) return nullptr;
  return accept_container_(at, end_, levels.word(), room);
}

const char* json_scanner::skip_literal(const char* at, char first) noexcept {
  const auto expect = [&](std::string_view word) -> const char* {
    for (const char c : word) {
      if (peek(at) != c) return fail(defect::bad_literal, at);
      ++at;
    }
    return at;
  };
  switch (first) {
    case 't':
      return expect("true");
    case 'f':
      return expect("false");
    case 'n':
      return expect("null");
    default:
      return fail(defect::unexpected_character, at);
  }
}

const char* json_scanner::skip_fraction_and_exponent(const char* at) noexcept {
  const auto require_digits = [this](const char* from) -> const char* {
    const char* behind = skip_digits(from);
    return behind == from ? fail(defect::bad_number, from) : behind;
  };
  if (*at == '.') at = require_digits(at + 1);
  if (at == nullptr) return nullptr;
  const char exponent = peek(at);
  if (exponent != 'e' && exponent != 'E') return at;
  ++at;
  const char sign = peek(at);
  return require_digits(sign == '+' || sign == '-' ? at + 1 : at);
}

const char* json_scanner::skip_rest_of_string(const char* at) noexcept {
  for (;;) {
    const std::uint32_t stops = string_stops_from(at);
    if (stops == 0) {
      if (static_cast<std::size_t>(end_ - at) <= block_bytes) return fail(defect::unexpected_end, end_);
      at += block_bytes;
      while (end_ - at >= 64 && !has_string_stop_64(at)) at += 64;
      continue;
    }
    at += std::countr_zero(stops);
    const auto stop = static_cast<unsigned char>(*at);
    if (stop == '"') return at + 1;
    if (stop < 0x20) return fail(defect::control_character, at);
    at = stop == '\\' ? skip_escape(at) : skip_non_ascii(at);
    if (at == nullptr) return nullptr;
  }
}

const char* json_scanner::skip_escape(const char* at) noexcept {
  escape_seen = true;
  const char* kind = at + 1;
  switch (peek(kind)) {
    case '"':
    case '\\':
    case '/':
    case 'b':
    case 'f':
    case 'n':
    case 'r':
    case 't':
      return kind + 1;
    case 'u':
      break;
    default:
      return fail(defect::bad_escape, kind);
  }
  const std::int32_t unit = hex_unit(kind + 1, end_);
  if (unit < 0) return fail(defect::bad_escape, kind + 1);
  const char* behind = kind + 5;
  if (!is_surrogate(unit)) return behind;
  const bool has_low_half = is_high_surrogate(unit) && end_ - behind >= 6 && behind[0] == '\\' &&
                            behind[1] == 'u' && is_low_surrogate(hex_unit(behind + 2, end_));
  return has_low_half ? behind + 6 : fail(defect::lone_surrogate, at);
}

const char* json_scanner::skip_non_ascii(const char* at) noexcept {
  // Text that is not English comes in runs, so this stays on until the next ASCII byte.
  do {
    const std::size_t length = utf8_sequence_bytes(at, end_);
    if (length == 0) return fail(defect::invalid_utf8, at);
    at += length;
  } while (at != end_ && static_cast<unsigned char>(*at) >= 0x80);
  return at;
}

}  // namespace weft::proto
