// JSON Schema to types. What cannot be said becomes `any`; nothing is an error.
//
// Understood are type (also a list of them), nullable, enum, const, properties, required,
// additionalProperties, items, prefixItems, oneOf, anyOf, allOf of objects, and $ref within the document,
// also to what contains it. An object, an enumeration of strings and alternatives become named types.
//
// Ownership: the document must outlive the reader, which knows schemas by their address.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "node/gen/model.hpp"

namespace weft::gen {

class schema_reader {
 public:
  schema_reader(const json& document, model& into) noexcept : document_(document), into_(into) {}

  /// The type of a schema that stands alone, as a service declared it: `#` in it is itself or the document.
  /// `place` names what has no name of its own, "users.get.result".
  type_pointer read(const json& schema, const std::string& place);

  /// Parameters by name: the properties of a schema; none when it does not say which there are.
  std::optional<std::vector<field>> read_params(const json& schema, const std::string& place);

  /// Follows `$ref` as far as it leads; nullptr when that is nowhere.
  const json* follow(const json& schema) const;

 private:
  class entered;

  type_pointer read_inner(const json& schema, const std::string& place);
  type_pointer read_target(const json& target, const std::string& place);
  type_pointer read_choices(const json& list, const json& schema, const std::string& place);
  type_pointer read_types(const json& list, const json& schema, const std::string& place);
  type_pointer read_values(const json& values, const json& schema, const std::string& place);
  type_pointer read_type(std::string_view name, const json& schema, const std::string& place);
  type_pointer read_array(const json& schema, const std::string& place);
  type_pointer read_object(const json& schema, const std::string& place);
  type_pointer read_all(const json& parts, const json& schema, const std::string& place);
  type_pointer alternatives(const std::vector<type_pointer>& choices, const json& schema,
                            const std::string& place);
  std::vector<field> read_fields(const json& schema, const std::string& place);
  type_pointer add(named_type made);

  const json& document_;
  model& into_;
  /// What `#` may mean, the innermost last.
  std::vector<const json*> roots_;
  /// Targets of `$ref` that have been read.
  std::map<const json*, type_pointer> known_;
  /// Those that are being read, and are no objects: a type that is made of nothing but itself.
  std::set<const json*> open_;
  std::size_t depth_ = 0;
};

/// Text for readers: `title` left out, `description` or `summary`.
std::string documentation(const json& of);

/// A member, or nullptr where `of` is no object or has none.
const json* member(const json& of, std::string_view name);
/// Whether a member is true.
bool says(const json& of, std::string_view name);

}  // namespace weft::gen
