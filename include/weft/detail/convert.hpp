// JSON to values and back, strictly: a value of another type is a mismatch that says where it stands, what
// came and what would be right; nothing is converted silently, cut or rounded. And the JSON Schema of a type.
//
// Types with WEFT_FIELDS, std::optional, std::vector, std::tuple and maps with string keys are walked
// through; everything else is left to nlohmann_json's own conversions. A type without any is refused when it
// is compiled.
#pragma once

#include <concepts>
#include <cstdint>
#include <expected>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

namespace weft::detail {

using nlohmann::json;

template <class T>
concept has_fields = requires(const T* of) { weft_visit_fields(of, [](const char*, auto) {}); };

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;
template <class T>
inline constexpr bool is_vector = false;
template <class T, class A>
inline constexpr bool is_vector<std::vector<T, A>> = true;
template <class T>
inline constexpr bool is_tuple = false;
template <class... T>
inline constexpr bool is_tuple<std::tuple<T...>> = true;
template <class T>
concept string_map = requires {
  typename T::key_type;
  typename T::mapped_type;
} && std::same_as<typename T::key_type, std::string> && !std::same_as<T, json>;

/// What nlohmann_json's own conversions can do. Without this a struct that nobody told the members of would
/// end in pages of that library's overloads, and none of them names WEFT_FIELDS.
template <class T>
concept readable_otherwise = requires(const json& from) { from.get<T>(); };
template <class T>
concept writable_otherwise = std::constructible_from<json, const T&>;
template <class T>
inline constexpr bool never = false;

#define WEFT_DETAIL_NO_JSON                                                                            \
  "weft: this type has no form in JSON: write WEFT_FIELDS(type, member...) behind the struct, in its " \
  "namespace, or give it nlohmann_json's to_json and from_json"

/// What is wrong with a value: "'user.age' is an integer from 0 to 255, not \"old\"".
struct mismatch {
  /// "user.tags[2]", from the value that was read; empty for itself.
  std::string where;
  /// "is an integer, not \"old\""
  std::string what;

  mismatch inside(std::string_view outer) &&;
  std::string text(std::string_view self) const;
};

mismatch wrong(std::string_view wanted, const json& came);

template <class T>
std::string word_for() {
  using value = std::remove_cvref_t<T>;
  if constexpr (std::same_as<value, bool>) {
    return "true or false";
  } else if constexpr (std::integral<value>) {
    if constexpr (sizeof(value) == sizeof(std::int64_t)) {
      return std::signed_integral<value> ? "an integer" : "an integer from 0";
    } else if constexpr (std::signed_integral<value> && sizeof(value) == sizeof(std::int32_t)) {
      return "an integer of 32 bits";
    } else {
      return "an integer from " + std::to_string(std::numeric_limits<value>::min()) + " to " +
             std::to_string(std::numeric_limits<value>::max());
    }
  } else if constexpr (std::floating_point<value>) {
    return "a number";
  } else if constexpr (std::same_as<value, std::string>) {
    return "a string";
  } else if constexpr (is_vector<value>) {
    return "an array";
  } else if constexpr (is_tuple<value>) {
    return "an array of " + std::to_string(std::tuple_size_v<value>);
  } else if constexpr (has_fields<value> || string_map<value>) {
    return "an object";
  } else {
    return "a value of its type";
  }
}

template <class T>
std::expected<T, mismatch> read(const json& from);

template <class T>
std::expected<T, mismatch> read_integer(const json& from) {
  if (from.is_number_unsigned()) {
    const auto number = from.get<std::uint64_t>();
    if (std::in_range<T>(number)) return static_cast<T>(number);
  } else if (from.is_number_integer()) {
    const auto number = from.get<std::int64_t>();
    if (std::in_range<T>(number)) return static_cast<T>(number);
  }
  return std::unexpected(wrong(word_for<T>(), from));
}

template <class T>
std::expected<T, mismatch> read_object(const json& from) {
  T into{};
  std::optional<mismatch> failed;
  weft_visit_fields(static_cast<const T*>(nullptr), [&](const char* name, auto member) {
    if (failed) return;
    using field = std::remove_cvref_t<decltype(into.*member)>;
    const auto found = from.find(name);
    if (found == from.end()) {
      if constexpr (!is_optional<field>) failed = mismatch{name, "is missing; it is " + word_for<field>()};
      return;
    }
    auto value = read<field>(*found);
    if (value)
      into.*member = std::move(*value);
    else
      failed = std::move(value.error()).inside(name);
  });
  if (failed) return std::unexpected(std::move(*failed));
  return into;
}

template <class T>
std::expected<T, mismatch> read_tuple(const json& from) {
  if (!from.is_array() || from.size() != std::tuple_size_v<T>)
    return std::unexpected(wrong(word_for<T>(), from));
  T into{};
  std::optional<mismatch> failed;
  std::size_t at = 0;
  const auto read_next = [&]<class Element>(Element& element) {
    if (failed) return;
    auto value = read<Element>(from[at]);
    if (value)
      element = std::move(*value);
    else
      failed = std::move(value.error()).inside("[" + std::to_string(at) + "]");
    ++at;
  };
  std::apply([&](auto&... each) { (read_next(each), ...); }, into);
  if (failed) return std::unexpected(std::move(*failed));
  return into;
}

template <class T>
std::expected<T, mismatch> read(const json& from) {
  if constexpr (std::same_as<T, json>) {
    return from;
  } else if constexpr (std::same_as<T, bool>) {
    if (!from.is_boolean()) return std::unexpected(wrong(word_for<T>(), from));
    return from.get<bool>();
  } else if constexpr (std::integral<T>) {
    return read_integer<T>(from);
  } else if constexpr (std::floating_point<T>) {
    if (!from.is_number()) return std::unexpected(wrong(word_for<T>(), from));
    return from.get<T>();
  } else if constexpr (std::same_as<T, std::string>) {
    if (!from.is_string()) return std::unexpected(wrong(word_for<T>(), from));
    return from.get<std::string>();
  } else if constexpr (is_optional<T>) {
    if (from.is_null()) return T();
    auto value = read<typename T::value_type>(from);
    if (!value) return std::unexpected(std::move(value.error()));
    return T(std::move(*value));
  } else if constexpr (is_vector<T>) {
    if (!from.is_array()) return std::unexpected(wrong(word_for<T>(), from));
    T list;
    list.reserve(from.size());
    for (const auto& each : from) {
      auto value = read<typename T::value_type>(each);
      if (!value) {
        return std::unexpected(std::move(value.error()).inside("[" + std::to_string(list.size()) + "]"));
      }
      list.push_back(std::move(*value));
    }
    return list;
  } else if constexpr (is_tuple<T>) {
    return read_tuple<T>(from);
  } else if constexpr (string_map<T>) {
    if (!from.is_object()) return std::unexpected(wrong(word_for<T>(), from));
    T map;
    for (const auto& [key, each] : from.items()) {
      auto value = read<typename T::mapped_type>(each);
      if (!value) return std::unexpected(std::move(value.error()).inside(key));
      map.emplace(key, std::move(*value));
    }
    return map;
  } else if constexpr (has_fields<T>) {
    if (!from.is_object()) return std::unexpected(wrong(word_for<T>(), from));
    return read_object<T>(from);
  } else if constexpr (!readable_otherwise<T>) {
    static_assert(never<T>, WEFT_DETAIL_NO_JSON);
    return std::unexpected(mismatch());
  } else {
    try {
      return from.get<T>();
    } catch (const json::exception& e) {
      return std::unexpected(mismatch{"", std::string("cannot be read: ") + e.what()});
    }
  }
}

template <class T>
void read_or_throw(const json& from, T& into) {
  auto value = read<T>(from);
  if (!value) throw std::invalid_argument(value.error().text("the value"));
  into = std::move(*value);
}

template <class T>
json write_fields(const T& value);

template <class T>
json write(const T& value) {
  if constexpr (is_optional<T>) {
    return value ? write(*value) : json(nullptr);
  } else if constexpr (std::same_as<T, std::vector<bool>>) {
    return json(value);
  } else if constexpr (is_vector<T>) {
    auto list = json::array();
    for (const auto& each : value) list.push_back(write(each));
    return list;
  } else if constexpr (is_tuple<T>) {
    auto list = json::array();
    std::apply([&](const auto&... each) { (list.push_back(write(each)), ...); }, value);
    return list;
  } else if constexpr (string_map<T>) {
    auto object = json::object();
    for (const auto& [key, each] : value) object[key] = write(each);
    return object;
  } else if constexpr (has_fields<T>) {
    return write_fields(value);
  } else if constexpr (!writable_otherwise<T>) {
    static_assert(never<T>, WEFT_DETAIL_NO_JSON);
    return {};
  } else {
    return json(value);
  }
}

template <class T>
json write_fields(const T& value) {
  auto object = json::object();
  weft_visit_fields(&value, [&](const char* name, auto member) {
    using field = std::remove_cvref_t<decltype(value.*member)>;
    if constexpr (is_optional<field>) {
      if (!(value.*member)) return;
    }
    object[name] = write(value.*member);
  });
  return object;
}

/// JSON Schema, as far as the type says something.
template <class T>
json schema() {
  if constexpr (std::is_void_v<T>) {
    return {{"type", "null"}};
  } else if constexpr (std::same_as<T, bool>) {
    return {{"type", "boolean"}};
  } else if constexpr (std::integral<T>) {
    json made = {{"type", "integer"}};
    if constexpr (sizeof(T) < sizeof(std::int64_t)) {
      made["minimum"] = std::numeric_limits<T>::min();
      made["maximum"] = std::numeric_limits<T>::max();
    } else if constexpr (std::unsigned_integral<T>) {
      made["minimum"] = 0;
    }
    return made;
  } else if constexpr (std::floating_point<T>) {
    return {{"type", "number"}};
  } else if constexpr (std::same_as<T, std::string>) {
    return {{"type", "string"}};
  } else if constexpr (is_optional<T>) {
    return {{"anyOf", json::array({schema<typename T::value_type>(), {{"type", "null"}}})}};
  } else if constexpr (is_vector<T>) {
    return {{"type", "array"}, {"items", schema<typename T::value_type>()}};
  } else if constexpr (is_tuple<T>) {
    auto elements = json::array();
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      (elements.push_back(schema<std::tuple_element_t<I, T>>()), ...);
    }(std::make_index_sequence<std::tuple_size_v<T>>());
    constexpr auto count = std::tuple_size_v<T>;
    return {
        {"type", "array"}, {"prefixItems", std::move(elements)}, {"minItems", count}, {"maxItems", count}};
  } else if constexpr (string_map<T>) {
    return {{"type", "object"}, {"additionalProperties", schema<typename T::mapped_type>()}};
  } else if constexpr (has_fields<T>) {
    auto properties = json::object();
    auto required = json::array();
    weft_visit_fields(static_cast<const T*>(nullptr), [&](const char* name, auto member) {
      using field = std::remove_cvref_t<decltype(std::declval<T&>().*member)>;
      properties[name] = schema<field>();
      if constexpr (!is_optional<field>) required.push_back(name);
    });
    return {{"type", "object"}, {"properties", std::move(properties)}, {"required", std::move(required)}};
  } else {
    return json::object();
  }
}

#undef WEFT_DETAIL_NO_JSON

}  // namespace weft::detail
