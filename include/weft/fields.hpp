// WEFT_FIELDS(type, member…): a struct that travels as a JSON object, with these members.
//
//     struct user { int id; std::string name; std::optional<std::string> mail; };
//     WEFT_FIELDS(user, id, name, mail)
//
// Beside the struct, in its namespace. Makes nlohmann_json's `to_json` and `from_json`, and the JSON Schema
// that `rpc.discover` shows. A member of type std::optional may be absent; members that are not named here
// are ignored.
#pragma once

#include <nlohmann/json.hpp>

#include "weft/detail/convert.hpp"

#define WEFT_DETAIL_FIELD(member) weft_visit(#member, &weft_type::member);

#define WEFT_FIELDS(Type, ...)                                                \
  template <class Visit>                                                      \
  constexpr void weft_visit_fields(const Type*, Visit&& weft_visit) {         \
    using weft_type = Type;                                                   \
    NLOHMANN_JSON_EXPAND(NLOHMANN_JSON_PASTE(WEFT_DETAIL_FIELD, __VA_ARGS__)) \
  }                                                                           \
  inline void to_json(nlohmann::json& weft_json, const Type& weft_value) {    \
    weft_json = ::weft::detail::write_fields(weft_value);                     \
  }                                                                           \
  inline void from_json(const nlohmann::json& weft_json, Type& weft_value) {  \
    ::weft::detail::read_or_throw(weft_json, weft_value);                     \
  }
