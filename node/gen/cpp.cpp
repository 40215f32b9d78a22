// Clients in C++: a class for each prefix, structs for objects and for the parameters of a method, which are
// given by name: `users.get({.id = 1})`.
#include <algorithm>
#include <iterator>
#include <limits>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "node/gen/language.hpp"
#include "node/gen/names.hpp"
#include "node/gen/outline.hpp"
#include "node/gen/text.hpp"

namespace weft::gen {
namespace {

// Keywords, and macros of the headers that everyone includes.
const std::set<std::string_view> reserved = {
    "alignas",     "alignof",   "and",        "and_eq",    "asm",      "auto",         "bitand",
    "bitor",       "bool",      "break",      "case",      "catch",    "char",         "char8_t",
    "char16_t",    "char32_t",  "class",      "compl",     "concept",  "const",        "consteval",
    "constexpr",   "constinit", "const_cast", "continue",  "co_await", "co_return",    "co_yield",
    "decltype",    "default",   "delete",     "do",        "double",   "dynamic_cast", "else",
    "enum",        "explicit",  "export",     "extern",    "false",    "float",        "for",
    "friend",      "goto",      "if",         "inline",    "int",      "long",         "mutable",
    "namespace",   "new",       "noexcept",   "not",       "not_eq",   "nullptr",      "operator",
    "or",          "or_eq",     "private",    "protected", "public",   "register",     "reinterpret_cast",
    "requires",    "return",    "short",      "signed",    "sizeof",   "static",       "static_assert",
    "static_cast", "struct",    "switch",     "template",  "this",     "thread_local", "throw",
    "true",        "try",       "typedef",    "typeid",    "typename", "union",        "unsigned",
    "using",       "virtual",   "void",       "volatile",  "wchar_t",  "while",        "xor",
    "xor_eq",      "BUFSIZ",    "EOF",        "FALSE",     "HUGE_VAL", "INFINITY",     "NAN",
    "NULL",        "RAND_MAX",  "TRUE",       "assert",    "errno",    "i386",         "linux",
    "major",       "makedev",   "minor",      "offsetof",  "stderr",   "stdin",        "stdout",
    "unix",        "std",       "weft",       "nlohmann"};

std::string in_quotes(std::string_view text) {
  return string_literal(text, dialect::cpp);
}

/// The narrowest that holds what the bounds allow: they are those of the type that the service has.
std::string integer(const type& of) {
  using narrow = std::numeric_limits<std::int32_t>;
  const auto at_least = [&](double bound) { return of.minimum && *of.minimum >= bound; };
  if (at_least(narrow::min()) && of.maximum && *of.maximum <= narrow::max()) return "std::int32_t";
  return at_least(0) ? "std::uint64_t" : "std::int64_t";
}

class cpp_writer {
 public:
  explicit cpp_writer(const request& of) : request_(of), model_(of.model), namespace_(snake_case(of.name)) {
    scope outside(reserved);
    namespace_ = outside.take(namespace_);
    module_.take(namespace_);
    root_ = module_.take("client");
    for (const auto& each : model_.types) types_.push_back(module_.take(snake_case(each.name)));
  }

  std::string write() {
    body_.add(fmt::format(
        "// Typed calls of methods of a weft mesh. Made by `{}`: make it anew instead of editing it.",
        fmt::join(comment_lines(request_.command), "")));
    if (const auto about = about_prefixes(model_); !about.empty()) body_.add("// " + about);
    body_.add("#pragma once");
    body_.space();
    body_.add(
        "#include <cstdint>\n#include <map>\n#include <optional>\n#include <string>\n#include <string_view>\n"
        "#include <tuple>\n#include <utility>\n#include <variant>\n#include <vector>");
    body_.space();
    body_.add("#include <weft/generated.hpp>");
    body_.space();
    body_.add(fmt::format("namespace {} {{", namespace_));
    states_.resize(model_.types.size());
    for (std::size_t i = 0; i < model_.types.size(); ++i) {
      if (model_.types[i].is == named_type::kind::enumeration) write_enumeration(i);
    }
    for (std::size_t i = 0; i < model_.types.size(); ++i) define(i);
    const naming by{.reserved = &reserved,
                    .type_name = snake_case,
                    .methods_end = "_methods",
                    .parameters_end = "_params",
                    .taken = {"Node", "node_"},
                    .takes_own_name = true};
    for (const auto& each : outline_of(model_.methods, root_, module_, by)) write_class(each);
    body_.space();
    body_.add(fmt::format("}}  // namespace {}", namespace_));
    return body_.text();
  }

 private:
  enum class state : unsigned char { untouched, open, defined };

  std::string qualified(const std::string& name) const { return namespace_ + "::" + name; }

  /// `by_value`: where it stands a type has to be complete.
  std::string plain(const type& of, bool by_value = false) {
    switch (of.is) {
      case type::kind::any:
      case type::kind::null:
        return "nlohmann::json";
      case type::kind::boolean:
        return "bool";
      case type::kind::integer:
        return integer(of);
      case type::kind::number:
        return "double";
      case type::kind::string:
        return "std::string";
      case type::kind::literal: {
        const auto all = [&](auto is) { return std::ranges::all_of(of.values, is); };
        if (all([](const json& each) { return each.is_boolean(); })) return "bool";
        if (all([](const json& each) { return each.is_number_integer(); })) return "std::int64_t";
        return all([](const json& each) { return each.is_number(); }) ? "double" : "nlohmann::json";
      }
      case type::kind::array:
        return fmt::format("std::vector<{}>", text(*of.inner));
      case type::kind::tuple: {
        std::vector<std::string> elements;
        elements.reserve(of.elements.size());
        for (const auto& each : of.elements) elements.push_back(text(*each, by_value));
        return fmt::format("std::tuple<{}>", fmt::join(elements, ", "));
      }
      case type::kind::map:
        return fmt::format("std::map<std::string, {}>", text(*of.inner));
      case type::kind::named: {
        const auto name = qualified(types_[of.named]);
        const bool whole = !by_value || states_[of.named] == state::defined;
        return whole ? name : fmt::format("weft::generated::boxed<{}>", name);
      }
    }
    return "nlohmann::json";
  }

  std::string text(const type& of, bool by_value = false) {
    auto made = plain(of, by_value);
    return of.nullable && made != "nlohmann::json" ? fmt::format("std::optional<{}>", made) : made;
  }

  std::string member(const field& of) {
    auto made = plain(*of.of, true);
    if (of.required && (!of.of->nullable || made == "nlohmann::json")) return made;
    return fmt::format("{}<{}>", of.required ? "weft::generated::nullable" : "std::optional", made);
  }

  void write_doc(const std::string& doc) {
    for (const auto& line : comment_lines(doc)) body_.add(line.empty() ? "///" : "/// " + line);
  }

  void write_enumeration(std::size_t at) {
    const auto& of = model_.types[at];
    scope inside(reserved);
    std::vector<std::string> enumerators;
    std::vector<std::string> names;
    for (const auto& each : of.values) {
      enumerators.push_back(inside.take(each.empty() ? "empty" : snake_case(each)));
      names.push_back(in_quotes(each));
    }
    const auto table = module_.take(types_[at] + "_names");
    body_.space();
    write_doc(of.doc);
    body_.add(fmt::format("enum class {} {{ {} }};", types_[at], fmt::join(enumerators, ", ")));
    body_.add(fmt::format("inline constexpr std::string_view {}[] = {{{}}};", table, fmt::join(names, ", ")));
    body_.add(
        fmt::format("inline void to_json(nlohmann::json& json, const {0}& value) {{\n"
                    "  weft::generated::write_name(json, value, {1});\n}}\n"
                    "inline void from_json(const nlohmann::json& json, {0}& value) {{\n"
                    "  weft::generated::read_name(json, value, {1});\n}}",
                    types_[at], table));
    states_[at] = state::defined;
  }

  /// What a type is made of comes first. A type that is still open is met again inside of itself.
  void define_inner(const type& of) {
    any_named(of, [this](std::size_t named) {
      define(named);
      if (states_[named] == state::open && declared_.insert(named).second)
        forward_.push_back(fmt::format("struct {};", types_[named]));
      return false;
    });
  }

  void define(std::size_t at) {
    if (states_[at] != state::untouched) return;
    states_[at] = state::open;
    const auto& of = model_.types[at];
    for (const auto& each : of.fields) define_inner(*each.of);
    for (const auto& each : of.choices) define_inner(*each);
    body_.space();
    for (const auto& line : std::exchange(forward_, {})) body_.add(line);
    if (of.is == named_type::kind::object) {
      write_struct(types_[at], of.doc, of.fields);
    } else {
      write_alternatives(at);
    }
    states_[at] = state::defined;
  }

  /// Members are given in this order: what every caller gives comes first.
  static std::vector<field> required_first(const std::vector<field>& fields) {
    std::vector<field> made;
    std::ranges::copy_if(fields, std::back_inserter(made), &field::required);
    std::ranges::copy_if(fields, std::back_inserter(made), [](const field& each) { return !each.required; });
    return made;
  }

  void write_struct(const std::string& name, const std::string& doc, const std::vector<field>& unordered) {
    const auto fields = required_first(unordered);
    scope inside(reserved);
    inside.take(name);
    std::vector<std::string> members;
    write_doc(doc);
    body_.add(fmt::format("struct {} {{", name));
    body_.indent();
    for (const auto& each : fields) {
      write_doc(doc_of(each));
      members.push_back(inside.take(identifier(each.name)));
      body_.add(fmt::format("{} {}{};", member(each), members.back(), each.required ? "" : "{}"));
    }
    body_.dedent();
    body_.add("};");
    body_.add("template <class Visit>");
    body_.add(fmt::format("constexpr void weft_visit_fields(const {}*, Visit&&{}) {{", name,
                          fields.empty() ? "" : " visit"));
    body_.indent();
    for (std::size_t i = 0; i < fields.size(); ++i)
      body_.add(fmt::format("visit({}, &{}::{});", in_quotes(fields[i].name), name, members[i]));
    body_.dedent();
    body_.add("}");
    body_.add(
        fmt::format("inline void to_json(nlohmann::json& json, const {0}& value) {{\n"
                    "  json = weft::detail::write_fields(value);\n}}\n"
                    "inline void from_json(const nlohmann::json& json, {0}& value) {{\n"
                    "  weft::detail::read_or_throw(json, value);\n}}",
                    name));
  }

  void write_alternatives(std::size_t at) {
    const auto& of = model_.types[at];
    std::vector<std::string> choices;
    for (const auto& each : of.choices) {
      // One that is made of nothing but itself says nothing.
      const bool again = each->is == type::kind::named && states_[each->named] == state::open &&
                         model_.types[each->named].is == named_type::kind::alternatives;
      auto shown = again ? "nlohmann::json" : text(*each, true);
      if (std::ranges::find(choices, shown) == choices.end()) choices.push_back(std::move(shown));
    }
    write_doc(of.doc);
    body_.add(fmt::format("struct {} : std::variant<{}> {{", types_[at], fmt::join(choices, ", ")));
    body_.add("  using variant::variant;\n};");
    body_.add(
        fmt::format("inline void to_json(nlohmann::json& json, const {0}& value) {{\n"
                    "  weft::generated::write_choice(json, value);\n}}\n"
                    "inline void from_json(const nlohmann::json& json, {0}& value) {{\n"
                    "  weft::generated::read_choice(json, value);\n}}",
                    types_[at]));
  }

  void write_class(const class_outline& of) {
    for (const auto& each : of.methods) {
      if (each.parameters.empty()) continue;
      body_.space();
      write_struct(each.parameters, "", *each.method->params);
    }
    body_.space();
    write_doc(of.doc);
    body_.add("template <class Node = weft::client>");
    body_.add(fmt::format("class {} {{\n public:", of.name));
    body_.indent();
    std::vector<std::string> initial;
    initial.reserve(of.members.size());
    for (const auto& each : of.members) initial.push_back(fmt::format("{}(node)", each.name));
    if (!of.methods.empty()) initial.emplace_back("node_(node)");
    body_.add(fmt::format("explicit {}(const Node& node) : {} {{}}", of.name, fmt::join(initial, ", ")));
    for (const auto& each : of.methods) write_method(each);
    body_.space();
    for (const auto& each : of.members)
      body_.add(fmt::format("{}<Node> {};", qualified(each.type), each.name));
    if (!of.methods.empty()) {
      body_.dedent();
      body_.space();
      body_.add(" private:");
      body_.indent();
      body_.add("weft::generated::kept<Node> node_;");
    }
    body_.dedent();
    body_.add("};");
  }

  void write_method(const class_outline::entry& entry) {
    const auto& of = *entry.method;
    body_.space();
    write_doc(doc_of(of));
    std::string call = "call<void>";
    if (of.streams) {
      if (of.streams->resumable) write_doc("Goes on behind the cursor of an item with `.after`.");
      const auto sent = of.streams->input ? ", " + text(*of.streams->input) : "";
      call = fmt::format("stream<{}{}>", text(*of.streams->item), sent);
    } else if (of.result->is != type::kind::null) {
      call = fmt::format("call<{}>", text(*of.result));
    }
    const auto* options = of.streams ? "weft::read_options" : "weft::call_options";
    std::string takes;
    std::string passed;
    if (!of.params) {
      body_.add("template <class... Args>");
      body_.add(fmt::format("auto {}(const Args&... args) const {{", entry.name));
      passed = "args...";
    } else {
      if (!entry.parameters.empty()) {
        takes = fmt::format("const {}& params{}, ", qualified(entry.parameters),
                            needs_parameters(of) ? "" : " = {}");
        passed = "nlohmann::json(params), ";
      }
      body_.add(fmt::format("auto {}({}{} options = {{}}) const {{", entry.name, takes, options));
      passed += "std::move(options)";
    }
    body_.add(fmt::format("  return node_.template {}({}, {});", call, in_quotes(of.name), passed));
    body_.add("}");
  }

  const request& request_;
  const model& model_;
  lines body_{2};
  std::string namespace_;
  scope module_{reserved};
  std::string root_;
  std::vector<std::string> types_;
  std::vector<state> states_;
  std::set<std::size_t> declared_;
  std::vector<std::string> forward_;
};

}  // namespace

std::string write_cpp(const request& of) {
  return cpp_writer(of).write();
}

}  // namespace weft::gen
