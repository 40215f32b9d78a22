// What a mesh offers, as typed methods: read from an OpenRPC document (document.hpp), written as a client in
// some language (language.hpp). Names are still those of the wire.
//
// Ownership: values; types are shared and never change. Thread safety: none needed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace weft::gen {

/// Keeps the order of members, which is that of parameters and fields.
using json = nlohmann::ordered_json;

struct type;
using type_pointer = std::shared_ptr<const type>;

struct type {
  enum class kind : std::uint8_t {
    any,
    /// Nothing but null.
    null,
    boolean,
    integer,
    number,
    string,
    /// One of `values`, which are not all strings.
    literal,
    /// Of `inner`.
    array,
    /// An array of `elements`, one of each.
    tuple,
    /// An object with any names, whose values are `inner`.
    map,
    /// `model::types[named]`.
    named,
  };
  kind is = kind::any;
  /// Or null.
  bool nullable = false;
  std::vector<json> values{};
  type_pointer inner{};
  std::vector<type_pointer> elements{};
  std::size_t named = 0;
  /// Of an integer, where they are told.
  std::optional<double> minimum{};
  std::optional<double> maximum{};
};

/// Whether `of` is a named type, or made of one, for which that holds; types are not looked into.
template <class Predicate>
bool any_named(const type& of, const Predicate& holds) {
  if (of.is == type::kind::named) return holds(of.named);
  if (of.inner && any_named(*of.inner, holds)) return true;
  for (const auto& each : of.elements) {
    if (any_named(*each, holds)) return true;
  }
  return false;
}

/// A parameter of a method or a member of an object.
struct field {
  std::string name;
  type_pointer of;
  bool required = false;
  std::string doc;
  std::optional<json> fallback{};
};

/// A type that gets a name of its own.
struct named_type {
  enum class kind : std::uint8_t { object, enumeration, alternatives };
  kind is = kind::object;
  /// Its title, or where it is found: "users.get.result".
  std::string name;
  std::string doc;
  std::vector<field> fields{};
  /// Of an enumeration: strings, each once.
  std::vector<std::string> values{};
  /// Of alternatives: two or more, none of them nullable or any.
  std::vector<type_pointer> choices{};
};

struct stream {
  type_pointer item;
  /// What its caller sends; none when it takes nothing.
  type_pointer input;
  bool resumable = false;
};

struct method {
  std::string name;
  std::string doc;
  /// None: it may take anything.
  std::optional<std::vector<field>> params{};
  type_pointer result{};
  std::optional<gen::stream> streams{};
  bool idempotent = false;
};

struct model {
  /// By name.
  std::vector<method> methods;
  std::vector<named_type> types;
  /// Services that answer every method of a prefix, `logs.*`: their methods are not known.
  std::vector<std::string> prefixes;
};

}  // namespace weft::gen
