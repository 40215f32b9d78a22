#include "node/gen/schema.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace weft::gen {
namespace {

/// Deeper schemas are no longer described.
constexpr std::size_t depth_limit = 64;
/// A chain of `$ref` that is longer leads round.
constexpr int chain_limit = 64;

type_pointer make(type::kind is) {
  type made;
  made.is = is;
  return std::make_shared<const type>(std::move(made));
}

type_pointer anything() {
  return make(type::kind::any);
}

type_pointer made_of(type::kind is, type_pointer inner) {
  type made;
  made.is = is;
  made.inner = std::move(inner);
  return std::make_shared<const type>(std::move(made));
}

type_pointer or_null(const type_pointer& of) {
  if (of->is == type::kind::any || of->is == type::kind::null || of->nullable) return of;
  type made = *of;
  made.nullable = true;
  return std::make_shared<const type>(std::move(made));
}

std::string text_of(const json& of, std::string_view name) {
  const auto* found = member(of, name);
  return found != nullptr && found->is_string() ? found->get<std::string>() : std::string();
}

std::string name_of(const json& schema, const std::string& place) {
  auto title = text_of(schema, "title");
  return title.empty() ? place : title;
}

std::string within(std::string_view place, std::string_view name) {
  return fmt::format("{}.{}", place, name);
}

bool is_array(const json* value) {
  return value != nullptr && value->is_array();
}

bool is_object(const json* value) {
  return value != nullptr && value->is_object();
}

/// Whether two types are written alike everywhere.
bool same(const type& a, const type& b) {
  if (a.is != b.is || a.nullable != b.nullable || a.named != b.named || a.values != b.values) return false;
  if (a.is == type::kind::array || a.is == type::kind::map) return same(*a.inner, *b.inner);
  return std::ranges::equal(a.elements, b.elements,
                            [](const auto& one, const auto& other) { return same(*one, *other); });
}

/// JSON Pointer, without the `#`; nullptr when it leads nowhere.
const json* at_pointer(const json& root, const std::string& pointer) {
  try {
    const json::json_pointer parsed(pointer);
    return root.contains(parsed) ? &root.at(parsed) : nullptr;
  } catch (const json::exception&) {
    return nullptr;
  }
}

/// "#/$defs/User" says "User".
std::string last_part(const std::string& reference) {
  return reference.substr(reference.find_last_of("/#") + 1);
}

}  // namespace

const json* member(const json& of, std::string_view name) {
  if (!of.is_object()) return nullptr;
  const auto found = of.find(name);
  return found == of.end() ? nullptr : &*found;
}

bool says(const json& of, std::string_view name) {
  const auto* found = member(of, name);
  return found != nullptr && found->is_boolean() && found->get<bool>();
}

std::string documentation(const json& of) {
  auto summary = text_of(of, "summary");
  auto description = text_of(of, "description");
  if (summary.empty() || summary == description) return description;
  return description.empty() ? summary : summary + "\n\n" + description;
}

/// While it lives, `#` may mean this schema.
class schema_reader::entered {
 public:
  entered(schema_reader& reader, const json& schema) : reader_(reader) { reader_.roots_.push_back(&schema); }
  ~entered() { reader_.roots_.pop_back(); }
  entered(const entered&) = delete;
  entered& operator=(const entered&) = delete;

 private:
  schema_reader& reader_;
};

type_pointer schema_reader::read(const json& schema, const std::string& place) {
  const entered inside(*this, schema);
  return read_inner(schema, place);
}

std::optional<std::vector<field>> schema_reader::read_params(const json& schema, const std::string& place) {
  const entered inside(*this, schema);
  const auto* found = follow(schema);
  if (found == nullptr || !is_object(member(*found, "properties"))) return std::nullopt;
  return read_fields(*found, place);
}

const json* schema_reader::follow(const json& schema) const {
  const json* at = &schema;
  for (int steps = 0; steps < chain_limit; ++steps) {
    const auto reference = text_of(*at, "$ref");
    if (reference.empty()) return at;
    if (!reference.starts_with('#')) return nullptr;
    const json* target = nullptr;
    for (auto root = roots_.rbegin(); target == nullptr && root != roots_.rend(); ++root)
      target = at_pointer(**root, reference.substr(1));
    if (target == nullptr) target = at_pointer(document_, reference.substr(1));
    if (target == nullptr) return nullptr;
    at = target;
  }
  return nullptr;
}

type_pointer schema_reader::read_inner(const json& schema, const std::string& place) {
  if (!schema.is_object() || depth_ >= depth_limit) return anything();
  std::optional<entered> inside;
  if (member(schema, "$defs") != nullptr || member(schema, "definitions") != nullptr)
    inside.emplace(*this, schema);
  if (member(schema, "$ref") == nullptr) return read_target(schema, place);
  const auto* target = follow(schema);
  if (target == nullptr || !target->is_object()) return anything();
  if (const auto found = known_.find(target); found != known_.end()) return found->second;
  if (!open_.insert(target).second) return anything();
  auto made = read_target(*target, last_part(text_of(schema, "$ref")));
  open_.erase(target);
  return known_.insert_or_assign(target, std::move(made)).first->second;
}

type_pointer schema_reader::read_target(const json& target, const std::string& place) {
  const auto* const definitions = member(target, "$defs");
  const auto* const older = member(target, "definitions");
  std::optional<entered> inside;
  if (definitions != nullptr || older != nullptr) inside.emplace(*this, target);
  ++depth_;
  auto made = [&] {
    if (const auto* value = member(target, "const")) return read_values(json::array({*value}), target, place);
    if (const auto* values = member(target, "enum"); is_array(values))
      return read_values(*values, target, place);
    for (const auto* name : {"oneOf", "anyOf"}) {
      if (const auto* list = member(target, name); is_array(list)) return read_choices(*list, target, place);
    }
    if (const auto* parts = member(target, "allOf"); is_array(parts)) return read_all(*parts, target, place);
    const auto* named = member(target, "type");
    if (is_array(named)) return read_types(*named, target, place);
    if (named != nullptr && named->is_string()) return read_type(named->get<std::string>(), target, place);
    if (is_object(member(target, "properties"))) return read_object(target, place);
    if (is_object(member(target, "items")) || is_array(member(target, "prefixItems")))
      return read_array(target, place);
    return anything();
  }();
  --depth_;
  return says(target, "nullable") ? or_null(made) : made;
}

type_pointer schema_reader::read_choices(const json& list, const json& schema, const std::string& place) {
  std::vector<type_pointer> choices;
  std::size_t number = 0;
  for (const auto& each : list) choices.push_back(read_inner(each, within(place, std::to_string(++number))));
  return alternatives(choices, schema, place);
}

type_pointer schema_reader::read_types(const json& list, const json& schema, const std::string& place) {
  std::vector<type_pointer> choices;
  for (const auto& each : list) {
    if (!each.is_string()) return anything();
    const auto name = each.get<std::string>();
    // What the schema says beside is of one of them: "object" and "array" differ in it.
    choices.push_back(read_type(name, schema, list.size() > 2 ? within(place, name) : place));
  }
  return alternatives(choices, schema, place);
}

type_pointer schema_reader::read_values(const json& values, const json& schema, const std::string& place) {
  std::vector<json> kept;
  bool has_null = false;
  bool all_strings = true;
  for (const auto& each : values) {
    if (each.is_structured()) return anything();
    if (each.is_null()) {
      has_null = true;
    } else if (std::find(kept.begin(), kept.end(), each) == kept.end()) {
      all_strings = all_strings && each.is_string();
      kept.push_back(each);
    }
  }
  if (kept.empty()) return has_null ? make(type::kind::null) : anything();
  type_pointer made;
  if (all_strings) {
    named_type one{
        .is = named_type::kind::enumeration, .name = name_of(schema, place), .doc = documentation(schema)};
    for (const auto& each : kept) one.values.push_back(each.get<std::string>());
    made = add(std::move(one));
  } else {
    type literal;
    literal.is = type::kind::literal;
    literal.values = std::move(kept);
    made = std::make_shared<const type>(std::move(literal));
  }
  return has_null ? or_null(made) : made;
}

type_pointer schema_reader::read_type(std::string_view name, const json& schema, const std::string& place) {
  if (name == "null") return make(type::kind::null);
  if (name == "boolean") return make(type::kind::boolean);
  if (name == "number") return make(type::kind::number);
  if (name == "string") return make(type::kind::string);
  if (name == "object") return read_object(schema, place);
  if (name == "integer") {
    type made;
    made.is = type::kind::integer;
    const auto bound = [&](const char* which) -> std::optional<double> {
      const auto* found = member(schema, which);
      return found != nullptr && found->is_number() ? std::optional(found->get<double>()) : std::nullopt;
    };
    made.minimum = bound("minimum");
    made.maximum = bound("maximum");
    return std::make_shared<const type>(std::move(made));
  }
  return name == "array" ? read_array(schema, place) : anything();
}

type_pointer schema_reader::read_array(const json& schema, const std::string& place) {
  const auto* const items = member(schema, "items");
  const auto* first = member(schema, "prefixItems");
  const auto* more = items;
  if (first == nullptr && is_array(items)) {
    // As it was written before draft 2020-12.
    first = items;
    more = member(schema, "additionalItems");
  }
  if (!is_array(first) || first->empty())
    return made_of(type::kind::array, is_object(items) ? read_inner(*items, place + ".item") : anything());
  // What has no number of elements is an array of whatever. Nothing said of others means that there are none.
  const auto other_count = [&](const char* bound) {
    const auto* found = member(schema, bound);
    return found != nullptr && *found != first->size();
  };
  const bool open = more != nullptr && !(more->is_boolean() && !more->get<bool>());
  const auto* const at_most = member(schema, "maxItems");
  if ((open && at_most == nullptr) || other_count("minItems") || other_count("maxItems"))
    return made_of(type::kind::array, anything());
  type made;
  made.is = type::kind::tuple;
  for (const auto& each : *first)
    made.elements.push_back(read_inner(each, fmt::format("{}.{}", place, made.elements.size() + 1)));
  return std::make_shared<const type>(std::move(made));
}

std::vector<field> schema_reader::read_fields(const json& schema, const std::string& place) {
  std::vector<field> fields;
  const auto* required = member(schema, "required");
  for (const auto& [name, each] : member(schema, "properties")->items()) {
    field made{.name = name, .of = read_inner(each, within(place, name)), .doc = documentation(each)};
    made.required =
        is_array(required) && std::find(required->begin(), required->end(), json(name)) != required->end();
    if (const auto* fallback = member(each, "default")) made.fallback = *fallback;
    fields.push_back(std::move(made));
  }
  return fields;
}

type_pointer schema_reader::read_object(const json& schema, const std::string& place) {
  const auto* properties = member(schema, "properties");
  if (!is_object(properties) || properties->empty()) {
    const auto* more = member(schema, "additionalProperties");
    return made_of(type::kind::map, is_object(more) ? read_inner(*more, place + ".value") : anything());
  }
  named_type object{.name = name_of(schema, place), .doc = documentation(schema)};
  const auto name = object.name;
  const auto made = add(std::move(object));
  // Its members may lead back to it.
  known_.try_emplace(&schema, made);
  auto fields = read_fields(schema, name);
  into_.types[made->named].fields = std::move(fields);
  return made;
}

/// Objects become one with the members of all; anything else is not said.
type_pointer schema_reader::read_all(const json& parts, const json& schema, const std::string& place) {
  if (parts.size() == 1 && member(schema, "properties") == nullptr) return read_inner(parts.front(), place);
  std::vector<const json*> objects;
  for (const auto& each : parts) objects.push_back(follow(each));
  if (member(schema, "properties") != nullptr) objects.push_back(&schema);
  const auto says_members = [](const json* each) {
    return each != nullptr && is_object(member(*each, "properties")) && member(*each, "allOf") == nullptr;
  };
  const bool all_say =
      std::ranges::all_of(objects, [&](const json* each) { return each == &schema || says_members(each); });
  if (!all_say || objects.empty()) return anything();
  const auto made = add({.name = name_of(schema, place), .doc = documentation(schema)});
  known_.try_emplace(&schema, made);
  std::vector<field> fields;
  for (const auto* each : objects) {
    for (auto& one : read_fields(*each, into_.types[made->named].name)) {
      const auto before = std::ranges::find(fields, one.name, &field::name);
      if (before == fields.end()) {
        fields.push_back(std::move(one));
      } else {
        one.required = one.required || before->required;
        *before = std::move(one);
      }
    }
  }
  into_.types[made->named].fields = std::move(fields);
  return made;
}

type_pointer schema_reader::alternatives(const std::vector<type_pointer>& choices, const json& schema,
                                         const std::string& place) {
  std::vector<type_pointer> kept;
  bool has_null = false;
  for (const auto& each : choices) {
    if (each->is == type::kind::any) return anything();
    has_null = has_null || each->nullable || each->is == type::kind::null;
    if (each->is == type::kind::null) continue;
    type plain = *each;
    plain.nullable = false;
    const auto alike = [&](const type_pointer& other) { return same(*other, plain); };
    if (std::ranges::none_of(kept, alike)) kept.push_back(std::make_shared<const type>(std::move(plain)));
  }
  if (kept.empty()) return has_null ? make(type::kind::null) : anything();
  auto made = kept.size() == 1 ? kept.front()
                               : add({.is = named_type::kind::alternatives,
                                      .name = name_of(schema, place),
                                      .doc = documentation(schema),
                                      .choices = std::move(kept)});
  return has_null ? or_null(made) : made;
}

type_pointer schema_reader::add(named_type made) {
  into_.types.push_back(std::move(made));
  type reference;
  reference.is = type::kind::named;
  reference.named = into_.types.size() - 1;
  return std::make_shared<const type>(std::move(reference));
}

}  // namespace weft::gen
