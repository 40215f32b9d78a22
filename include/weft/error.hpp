// What a call may come to: a value, or an error with a code.
//
//     if (id != 1) co_return weft::error(404, "no user {}", id);
//
// A service chooses its own codes; those of the mesh are weft::error_code (docs/protocol.md, "Errors").
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <fmt/format.h>

#include "proto/error.hpp"

namespace weft {

class error {
 public:
  std::int32_t code = 0;
  std::string message;
  /// What the error carries beside that, as JSON text; empty for nothing.
  std::string data;
  /// Present in errors of the mesh: `no` says that the method certainly did not run, so that a retry is safe.
  std::optional<weft::executed> executed;
  /// Present when waiting helps.
  std::optional<std::chrono::milliseconds> retry_after;

  error() = default;
  template <class... Args>
  error(std::int32_t number, fmt::format_string<Args...> text, Args&&... args)
      : code(number), message(fmt::format(text, std::forward<Args>(args)...)) {}
  template <class... Args>
  error(error_code named, fmt::format_string<Args...> text, Args&&... args)
      : error(static_cast<std::int32_t>(named), text, std::forward<Args>(args)...) {}
  /// A message that is only known at run time.
  static error plain(std::int32_t code, std::string message) {
    error made;
    made.code = code;
    made.message = std::move(message);
    return made;
  }

  bool is(error_code named) const noexcept { return code == static_cast<std::int32_t>(named); }

  friend bool operator==(const error&, const error&) = default;
};

/// A std::expected whose error need not be wrapped: `return weft::error(…)` is enough. Nobody may pass over
/// it.
template <class T>
class [[nodiscard("the call may have failed")]] result : public std::expected<T, weft::error> {
 public:
  using expected_type = std::expected<T, weft::error>;

  result() = default;
  result(expected_type outcome) : expected_type(std::move(outcome)) {}
  result(weft::error failure) : expected_type(std::unexpect, std::move(failure)) {}
  result(std::unexpected<weft::error> failure) : expected_type(std::move(failure)) {}
  template <class U = T>
    requires(std::convertible_to<U, T> && !std::derived_from<std::remove_cvref_t<U>, expected_type> &&
             !std::same_as<std::remove_cvref_t<U>, weft::error> &&
             !std::same_as<std::remove_cvref_t<U>, std::unexpected<weft::error>>)
  result(U&& value) : expected_type(std::in_place, std::forward<U>(value)) {}
};

template <>
class [[nodiscard("the call may have failed")]] result<void> : public std::expected<void, weft::error> {
 public:
  using expected_type = std::expected<void, weft::error>;

  result() = default;
  result(expected_type outcome) : expected_type(std::move(outcome)) {}
  result(weft::error failure) : expected_type(std::unexpect, std::move(failure)) {}
  result(std::unexpected<weft::error> failure) : expected_type(std::move(failure)) {}
};

}  // namespace weft

/// "no user 2 (code 404)"
template <>
struct fmt::formatter<weft::error> : fmt::formatter<std::string_view> {
  template <class Context>
  auto format(const weft::error& e, Context& context) const {
    const auto name = weft::code_name(e.code);
    if (name == "OTHER") return fmt::format_to(context.out(), "{} (code {})", e.message, e.code);
    return fmt::format_to(context.out(), "{} (code {}, {})", e.message, e.code, name);
  }
};
