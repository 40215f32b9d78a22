#include "node/gen/document.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "actors/methods/method_pattern.hpp"
#include "node/gen/merge.hpp"
#include "node/gen/schema.hpp"
#include "proto/envelope.hpp"

namespace weft::gen {
namespace {

using problem = std::unexpected<std::string>;

constexpr std::size_t names_shown = 8;

/// Its first characters.
std::string shown(const json& value) {
  constexpr std::size_t most = 40;
  auto text = value.dump(-1, ' ', true, json::error_handler_t::replace);
  return text.size() <= most ? text : text.substr(0, most) + "…";
}

problem no_openrpc(const std::string& why) {
  return problem("this is no OpenRPC document: " + why);
}

std::expected<json, std::string> parse(std::string_view text) {
  // Whatever walks through it may then do so by recursion.
  const auto scanned = proto::validate(text, proto::depth_limit);
  if (scanned.kind == proto::scan_kind::rejected)
    return no_openrpc(
        fmt::format("it is no JSON: {} at byte {}", proto::to_string(scanned.why), scanned.offset));
  try {
    return json::parse(text);
  } catch (const json::exception& e) {
    // Half of a surrogate pair, or a number that no program holds.
    return no_openrpc(fmt::format("it cannot be read: {}", e.what()));
  }
}

/// Whether it is one of ours to read: its version and its list of methods.
std::expected<const json*, std::string> methods_of(const json& document) {
  if (!document.is_object()) return no_openrpc("it is an object, not " + shown(document));
  const auto* version = member(document, "openrpc");
  if (version == nullptr) return no_openrpc("it has no member \"openrpc\"");
  if (!version->is_string() || !version->get<std::string>().starts_with("1."))
    return no_openrpc(fmt::format("\"openrpc\" is a version such as \"1.3.2\", not {}", shown(*version)));
  const auto* methods = member(document, "methods");
  if (methods == nullptr) return no_openrpc("it has no member \"methods\"");
  if (!methods->is_array()) return no_openrpc("\"methods\" is an array of methods, not " + shown(*methods));
  return methods;
}

class method_reader {
 public:
  method_reader(const json& document, model& into) : schemas_(document, into) {}

  std::expected<method, std::string> read(const json& from, const std::string& name) {
    method made{.name = name, .doc = documentation(from)};
    auto params = read_params(from, name);
    if (!params) return problem(std::move(params.error()));
    made.params = std::move(*params);
    // Services tell it there.
    const auto* declared = member(from, "x-params-schema");
    if (made.doc.empty() && declared != nullptr) made.doc = documentation(*declared);
    const auto* result = member(from, "result");
    result = result == nullptr ? nullptr : schemas_.follow(*result);
    made.result = read_optional(result == nullptr ? nullptr : member(*result, "schema"), name + ".result");
    made.idempotent = says(from, "x-idempotent");
    if (const auto* streams = member(from, "x-stream"); streams != nullptr && streams->is_object()) {
      made.streams.emplace();
      made.streams->item = read_optional(member(*streams, "item"), name + ".item");
      const auto* input = member(*streams, "input");
      if (input != nullptr && !input->is_null()) made.streams->input = read_optional(input, name + ".input");
      made.streams->resumable = says(*streams, "resumable");
    }
    return made;
  }

 private:
  using parameters = std::optional<std::vector<field>>;

  type_pointer read_optional(const json* schema, const std::string& place) {
    static const json any_schema = json::object();
    return schemas_.read(schema == nullptr ? any_schema : *schema, place);
  }

  /// What its service declared, which may be one schema, else OpenRPC's list.
  std::expected<parameters, std::string> read_params(const json& from, const std::string& name) {
    const auto* declared = member(from, "x-params-schema");
    if (declared != nullptr && declared->is_null()) return parameters();
    if (declared != nullptr && !declared->is_array()) return schemas_.read_params(*declared, name);
    if (declared != nullptr) {
      // One service that describes itself in its own way spoils nothing for the others.
      auto list = read_list(*declared, name);
      return list ? std::move(*list) : parameters();
    }
    const auto* list = member(from, "params");
    if (list == nullptr) return parameters();
    if (!list->is_array()) {
      return no_openrpc(
          fmt::format("\"params\" of the method {} is an array, not {}", shown(name), shown(*list)));
    }
    return read_list(*list, name);
  }

  std::expected<parameters, std::string> read_list(const json& list, const std::string& name) {
    parameters made(std::in_place);
    for (const auto& each : list) {
      auto one = read_parameter(each, name);
      if (!one) return problem(std::move(one.error()));
      if (std::ranges::find(*made, one->name, &field::name) != made->end()) {
        return no_openrpc(
            fmt::format("the method {} has two params called {}", shown(name), shown(one->name)));
      }
      made->push_back(std::move(*one));
    }
    return made;
  }

  std::expected<field, std::string> read_parameter(const json& from, const std::string& method) {
    const auto* found = schemas_.follow(from);
    const auto* name = found == nullptr ? nullptr : member(*found, "name");
    if (name == nullptr || !name->is_string()) {
      return no_openrpc(fmt::format("each of \"params\" of the method {} has a \"name\", {} does not",
                                    shown(method), shown(from)));
    }
    field made{.name = name->get<std::string>(),
               .of = read_optional(member(*found, "schema"), method + "." + name->get<std::string>()),
               .doc = documentation(*found)};
    made.required = says(*found, "required");
    if (const auto* schema = member(*found, "schema")) {
      if (made.doc.empty()) made.doc = documentation(*schema);
      if (const auto* fallback = member(*schema, "default")) made.fallback = *fallback;
    }
    return made;
  }

  schema_reader schemas_;
};

std::string list_of(const std::vector<std::string>& names) {
  const auto shown_ones = std::min(names.size(), names_shown);
  const auto last = names.begin() + static_cast<std::ptrdiff_t>(shown_ones);
  auto text = fmt::format("{}", fmt::join(names.begin(), last, ", "));
  if (names.size() > shown_ones) text += fmt::format(" and {} more", names.size() - shown_ones);
  return text.empty() ? "none" : text;
}

bool is_wanted(std::string_view pattern, std::string_view name) {
  return pattern.empty() ? !is_reserved_method(name) : pattern_covers(pattern, name);
}

/// The prefixes whose methods are all that was asked for.
std::vector<std::string> covering_prefixes(std::vector<std::string> wanted,
                                           const std::vector<std::string>& names, std::string_view pattern) {
  for (const auto& each : names) {
    if (wanted.empty() && is_prefix_pattern(each) && pattern_covers(each, pattern)) return {each};
  }
  return wanted;
}

}  // namespace

std::expected<model, std::string> read_document(std::string_view text, std::string_view pattern) {
  const auto document = parse(text);
  if (!document) return problem(document.error());
  const auto methods = methods_of(*document);
  if (!methods) return problem(methods.error());
  std::vector<std::pair<std::string, const json*>> found;
  for (const auto& each : **methods) {
    const auto* name = member(each, "name");
    if (name == nullptr || !name->is_string() || name->get<std::string>().empty())
      return no_openrpc(fmt::format("each of \"methods\" has a \"name\", {} does not", shown(each)));
    found.emplace_back(name->get<std::string>(), &each);
  }
  std::ranges::sort(found);
  const auto twice = std::ranges::adjacent_find(found, {}, &std::pair<std::string, const json*>::first);
  if (twice != found.end())
    return no_openrpc(fmt::format("it has two methods called {}", shown(twice->first)));
  model made;
  method_reader reader(*document, made);
  std::vector<std::string> names;
  for (const auto& [name, each] : found) {
    names.push_back(name);
    if (!is_wanted(pattern, name)) continue;
    if (is_prefix_pattern(name)) {
      made.prefixes.push_back(name);
      continue;
    }
    auto one = reader.read(*each, name);
    if (!one) return problem(std::move(one.error()));
    made.methods.push_back(std::move(*one));
  }
  if (made.methods.empty()) {
    if (const auto of_prefixes = covering_prefixes(made.prefixes, names, pattern); !of_prefixes.empty()) {
      return problem(fmt::format(
          "there is nothing to write: a service that answers a whole prefix ({}) does not tell its methods; "
          "call them by their names, as in node.call",
          list_of(of_prefixes)));
    }
    return problem(fmt::format("no method matches \"{}\"; there are {}", pattern.empty() ? "*" : pattern,
                               list_of(names)));
  }
  merge_equal_types(made);
  return made;
}

}  // namespace weft::gen
