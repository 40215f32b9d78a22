// Arguments of a call, as the params of a request: in the order that they stand in, or by name.
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <nlohmann/json.hpp>

#include "weft/detail/convert.hpp"

namespace weft {

/// Arguments by name, in any order, instead of those by position:
///
///     node.call<user>("users.get", weft::named{{"id", 1}}, {.deadline = 200ms});
///
/// Stands alone in front of the options, in `call`, `stream` and `notify`. Ownership: a value of its own.
/// Thread safety: none. Errors: of two with one name the last counts; what the method does not take, it
/// refuses with -32602.
class named {
 public:
  named(std::initializer_list<std::pair<const std::string, nlohmann::json>> members)
      : object_(nlohmann::json::object()) {
    for (const auto& [name, value] : members) object_[name] = value;
  }
  const nlohmann::json& object() const noexcept { return object_; }

 private:
  nlohmann::json object_;
};

/// What a call says beside its method and arguments.
struct call_options {
  /// How long the caller waits; the callee is told. Without it 30 s.
  std::optional<std::chrono::milliseconds> deadline{};
  /// W3C trace context of the caller.
  std::string traceparent{};
  std::string tracestate{};
  /// By which a node with the policy `consistent_hash` chooses the instance.
  nlohmann::json route_key{};
};

/// The same of a stream.
struct read_options {
  /// Items that may be on their way or wait to be read.
  std::int64_t window = 64;
  /// Go on behind this cursor, of a resumable method.
  nlohmann::json after{};
  /// How long all of it may take; without it, any time.
  std::optional<std::chrono::milliseconds> deadline{};
  std::string traceparent{};
  std::string tracestate{};
  nlohmann::json route_key{};
};

namespace detail {

template <class T>
concept call_argument = !std::same_as<std::remove_cvref_t<T>, call_options> &&
                        !std::same_as<std::remove_cvref_t<T>, read_options>;

std::string to_text(const nlohmann::json& value);

template <class T>
nlohmann::json argument(const T& value) {
  if constexpr (std::is_convertible_v<const T&, std::string_view> && !std::same_as<T, nlohmann::json>) {
    return std::string(std::string_view(value));
  } else {
    return write(value);
  }
}

/// Raw params. A single JSON object is taken as arguments by name.
template <class... Args>
std::string encode(const Args&... args) {
  if constexpr (sizeof...(Args) == 0) {
    return {};
  } else {
    auto list = nlohmann::json::array();
    (list.push_back(argument(args)), ...);
    if constexpr (sizeof...(Args) == 1 && (std::same_as<Args, nlohmann::json> && ...)) {
      if (list[0].is_object()) return to_text(list[0]);
    }
    return to_text(list);
  }
}
inline std::string encode(const named& args) {
  return to_text(args.object());
}

/// `call<T>(method, arguments…, options)` for a class that has `begin<T>(method, raw_params, options)`. The
/// options come last and may be braced, which a parameter pack does not allow.
template <class Self>
class call_operators {
 public:
  template <class T = nlohmann::json>
  auto call(std::string method) const {
    return self().template begin<T>(std::move(method), encode(), {});
  }
  template <class T = nlohmann::json>
  auto call(std::string method, call_options options) const {
    return self().template begin<T>(std::move(method), encode(), std::move(options));
  }
  template <class T = nlohmann::json, call_argument A>
  auto call(std::string method, const A& a, call_options options = {}) const {
    return self().template begin<T>(std::move(method), encode(a), std::move(options));
  }
  template <class T = nlohmann::json, call_argument A, call_argument B>
  auto call(std::string method, const A& a, const B& b, call_options options = {}) const {
    return self().template begin<T>(std::move(method), encode(a, b), std::move(options));
  }
  template <class T = nlohmann::json, call_argument A, call_argument B, call_argument C>
  auto call(std::string method, const A& a, const B& b, const C& c, call_options options = {}) const {
    return self().template begin<T>(std::move(method), encode(a, b, c), std::move(options));
  }
  template <class T = nlohmann::json, call_argument A, call_argument B, call_argument C, call_argument D>
  auto call(std::string method, const A& a, const B& b, const C& c, const D& d,
            call_options options = {}) const {
    return self().template begin<T>(std::move(method), encode(a, b, c, d), std::move(options));
  }

 private:
  const Self& self() const noexcept { return static_cast<const Self&>(*this); }
};

/// `stream<T>(method, arguments…, options)`, likewise, for a class that has `begin_stream<T, Sent>`.
template <class Self>
class stream_operators {
 public:
  template <class T = nlohmann::json, class Sent = void>
  auto stream(std::string method, read_options options = {}) const {
    return self().template begin_stream<T, Sent>(std::move(method), encode(), std::move(options));
  }
  template <class T = nlohmann::json, class Sent = void, call_argument A>
  auto stream(std::string method, const A& a, read_options options = {}) const {
    return self().template begin_stream<T, Sent>(std::move(method), encode(a), std::move(options));
  }
  template <class T = nlohmann::json, class Sent = void, call_argument A, call_argument B>
  auto stream(std::string method, const A& a, const B& b, read_options options = {}) const {
    return self().template begin_stream<T, Sent>(std::move(method), encode(a, b), std::move(options));
  }
  template <class T = nlohmann::json, class Sent = void, call_argument A, call_argument B, call_argument C>
  auto stream(std::string method, const A& a, const B& b, const C& c, read_options options = {}) const {
    return self().template begin_stream<T, Sent>(std::move(method), encode(a, b, c), std::move(options));
  }

 private:
  const Self& self() const noexcept { return static_cast<const Self&>(*this); }
};

}  // namespace detail
}  // namespace weft
