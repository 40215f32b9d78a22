// What the headers are made of that `weft gen cpp` writes: values that contain themselves, enumerations and
// alternatives, with their conversions from and to JSON. See docs/generated-clients.md.
//
// Ownership: values. Thread safety: that of values. Errors: conversions throw nlohmann::json::exception,
// which becomes the error of the call.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include <nlohmann/json.hpp>

#include "weft/client.hpp"
#include "weft/detail/convert.hpp"

namespace weft::generated {

/// Of a value that does not fit.
[[noreturn]] inline void refuse(const std::string& why, const nlohmann::json& value) {
  throw nlohmann::json::other_error::create(501, why, &value);
}

/// A client, or whatever else calls, as a member: those that cannot be copied stay where they are.
template <class Node>
using kept = std::conditional_t<std::copy_constructible<Node>, Node, const Node&>;

/// A value in a place of its own, so that its type may contain itself. It has none only before one is
/// assigned.
template <class T>
class boxed {
 public:
  boxed() = default;
  boxed(T value) : value_(std::make_unique<T>(std::move(value))) {}
  boxed(const boxed& other) : value_(other.value_ ? std::make_unique<T>(*other.value_) : nullptr) {}
  boxed(boxed&& other) noexcept = default;
  boxed& operator=(const boxed& other) {
    value_ = other.value_ ? std::make_unique<T>(*other.value_) : nullptr;
    return *this;
  }
  boxed& operator=(boxed&& other) noexcept = default;
  ~boxed() = default;

  T& operator*() noexcept { return *value_; }
  const T& operator*() const noexcept { return *value_; }
  T* operator->() noexcept { return value_.get(); }
  const T* operator->() const noexcept { return value_.get(); }

  friend void to_json(nlohmann::json& json, const boxed& of) {
    json = of.value_ ? detail::write(*of.value_) : nlohmann::json();
  }
  friend void from_json(const nlohmann::json& json, boxed& of) {
    auto value = detail::read<T>(json);
    if (!value) refuse(value.error().text("a value"), json);
    of.value_ = std::make_unique<T>(std::move(*value));
  }

 private:
  std::unique_ptr<T> value_;
};

/// A member that is always there, and may be null: an empty std::optional would be left out.
template <class T>
class nullable : public std::optional<T> {
 public:
  using std::optional<T>::optional;
};
template <class T>
void to_json(nlohmann::json& json, const nullable<T>& of) {
  json = of ? detail::write(*of) : nlohmann::json();
}
template <class T>
void from_json(const nlohmann::json& json, nullable<T>& of) {
  of.reset();
  if (json.is_null()) return;
  auto value = detail::read<T>(json);
  if (!value) refuse(value.error().text("a value"), json);
  of.emplace(std::move(*value));
}

/// The enumerators of E are called `names`, in their order.
template <class E, std::size_t N>
void write_name(nlohmann::json& json, E value, const std::string_view (&names)[N]) {
  json = std::string(names[static_cast<std::size_t>(value)]);
}
template <class E, std::size_t N>
void read_name(const nlohmann::json& json, E& value, const std::string_view (&names)[N]) {
  const auto* const name = json.get_ptr<const std::string*>();
  const auto* const found = name != nullptr ? std::ranges::find(names, *name) : std::end(names);
  if (found == std::end(names)) refuse("it is none of its names", json);
  value = static_cast<E>(found - names);
}

template <class... T>
void write_choice(nlohmann::json& json, const std::variant<T...>& of) {
  std::visit([&](const auto& value) { json = detail::write(value); }, of);
}
/// The first alternative that the value fits.
template <class... T>
void read_choice(const nlohmann::json& json, std::variant<T...>& of) {
  bool fits = false;
  const auto attempt = [&]<class Choice>(std::type_identity<Choice>) {
    if (fits) return;
    auto value = detail::read<Choice>(json);
    if (!value) return;
    of.template emplace<Choice>(std::move(*value));
    fits = true;
  };
  (attempt(std::type_identity<T>()), ...);
  if (!fits) refuse("it fits none of its alternatives", json);
}

}  // namespace weft::generated
