// Clients in TypeScript: a class for each prefix, interfaces for objects. Members have their own names,
// quoted where those are no identifiers.
#include <algorithm>
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

// What the generated text uses, and what would hide something that every program uses.
const std::set<std::string_view> of_module = {
    "AbortSignal", "Array",  "AsyncGenerator", "Boolean", "CallOptions", "Client",        "Date",    "Error",
    "Function",    "Map",    "Number",         "Object",  "Omit",        "Params",        "Promise", "Record",
    "Set",         "String", "Stream",         "Symbol",  "Readonly",    "StreamOptions", "Partial"};
// A class with `then` could not be awaited for.
const std::set<std::string_view> of_class = {"constructor", "prototype", "then"};

std::string in_quotes(std::string_view text) {
  return string_literal(text, dialect::typescript);
}

class typescript_writer {
 public:
  explicit typescript_writer(const request& of) : request_(of), model_(of.model) {
    for (const auto& each : model_.types) types_.push_back(module_.take(pascal_case(each.name)));
    root_ = module_.take(pascal_case(of.name));
  }

  std::string write() {
    for (std::size_t i = 0; i < model_.types.size(); ++i) write_type(i);
    const naming by{.reserved = &of_class,
                    .type_name = pascal_case,
                    .methods_end = "Methods",
                    .parameters_end = "Params"};
    for (const auto& each : outline_of(model_.methods, root_, module_, by)) write_class(each);
    lines head(2);
    head.add(fmt::format(
        "// Typed calls of methods of a weft mesh. Made by `{}`: make it anew instead of editing it.",
        fmt::join(comment_lines(request_.command), "")));
    if (const auto about = about_prefixes(model_); !about.empty()) head.add("// " + about);
    std::vector<std::string_view> used;
    for (const std::string_view each : {"CallOptions", "Client", "Params", "Stream", "StreamOptions"}) {
      if (used_.contains(each)) used.push_back(each);
    }
    head.add(fmt::format("import type {{ {} }} from \"weft\";", fmt::join(used, ", ")));
    return head.text() + body_.text();
  }

 private:
  std::string plain(const type& of) {
    switch (of.is) {
      case type::kind::any:
        return "unknown";
      case type::kind::null:
        return "null";
      case type::kind::boolean:
        return "boolean";
      case type::kind::integer:
      case type::kind::number:
        return "number";
      case type::kind::string:
        return "string";
      case type::kind::literal: {
        std::vector<std::string> all;
        all.reserve(of.values.size());
        for (const auto& each : of.values)
          all.push_back(each.is_string() ? in_quotes(each.get<std::string>()) : each.dump());
        return fmt::format("{}", fmt::join(all, " | "));
      }
      case type::kind::array: {
        const auto inner = text(*of.inner);
        return inner.find('|') == inner.npos ? inner + "[]" : fmt::format("Array<{}>", inner);
      }
      case type::kind::tuple: {
        std::vector<std::string> elements;
        elements.reserve(of.elements.size());
        for (const auto& each : of.elements) elements.push_back(text(*each));
        return fmt::format("[{}]", fmt::join(elements, ", "));
      }
      case type::kind::map:
        return fmt::format("{{ [name: string]: {} }}", text(*of.inner));
      case type::kind::named:
        return types_[of.named];
    }
    return "unknown";
  }

  std::string text(const type& of) {
    auto made = plain(of);
    return of.nullable && made != "unknown" ? made + " | null" : made;
  }

  void write_doc(const std::vector<std::string>& text) {
    if (text.empty()) return;
    if (text.size() == 1) return body_.add(fmt::format("/** {} */", text.front()));
    body_.add("/**");
    for (const auto& line : text) body_.add(line.empty() ? " *" : " * " + line);
    body_.add(" */");
  }

  void write_fields(const std::vector<field>& fields) {
    body_.indent();
    for (const auto& each : fields) {
      write_doc(comment_lines(doc_of(each)));
      const auto name = is_identifier(each.name) ? each.name : in_quotes(each.name);
      body_.add(fmt::format("{}{}: {};", name, each.required ? "" : "?", text(*each.of)));
    }
    body_.dedent();
  }

  void write_interface(const std::string& name, const std::vector<field>& fields) {
    body_.add(fmt::format("export interface {} {{", name));
    write_fields(fields);
    body_.add("}");
  }

  /// Whether an alias is made of itself, with no object in between.
  bool leads_round(std::size_t from, std::size_t at, std::set<std::size_t>& seen) const {
    for (const auto& choice : model_.types[at].choices) {
      if (choice->is != type::kind::named) continue;
      if (choice->named == from) return true;
      if (seen.insert(choice->named).second && leads_round(from, choice->named, seen)) return true;
    }
    return false;
  }

  void write_type(std::size_t at) {
    const auto& of = model_.types[at];
    body_.space();
    write_doc(comment_lines(of.doc));
    std::vector<std::string> choices;
    if (of.is == named_type::kind::object) return write_interface(types_[at], of.fields);
    choices.reserve(of.values.size());
    for (const auto& each : of.values) choices.push_back(in_quotes(each));
    std::set<std::size_t> seen;
    if (leads_round(at, at, seen)) {
      choices.emplace_back("unknown");
    } else {
      for (const auto& each : of.choices) choices.push_back(text(*each));
    }
    body_.add(fmt::format("export type {} = {};", types_[at], fmt::join(choices, " | ")));
  }

  void write_class(const class_outline& of) {
    for (const auto& each : of.methods) {
      if (each.parameters.empty()) continue;
      body_.space();
      write_interface(each.parameters, *each.method->params);
    }
    used_.insert("Client");
    body_.space();
    write_doc(comment_lines(of.doc));
    body_.add(fmt::format("export class {} {{", of.name));
    body_.indent();
    // No method has a name like this one.
    body_.add("private readonly $node: Client;");
    for (const auto& each : of.members) body_.add(fmt::format("readonly {}: {};", each.name, each.type));
    body_.space();
    body_.add("constructor(node: Client) {");
    body_.indent();
    body_.add("this.$node = node;");
    for (const auto& each : of.members)
      body_.add(fmt::format("this.{} = new {}(node);", each.name, each.type));
    body_.dedent();
    body_.add("}");
    for (const auto& each : of.methods) write_method(each);
    body_.dedent();
    body_.add("}");
  }

  std::vector<std::string> method_doc(const method& of) {
    auto made = comment_lines(doc_of(of));
    if (of.streams && of.streams->resumable) {
      made.emplace_back();
      made.emplace_back("Goes on behind the cursor of an item with the option `after`.");
    }
    return made;
  }

  void write_method(const class_outline::entry& entry) {
    const auto& of = *entry.method;
    std::string takes;
    std::string passed = "undefined";
    if (!of.params) {
      used_.insert("Params");
      takes = "params?: Params, ";
      passed = "params";
    } else if (!entry.parameters.empty()) {
      takes = fmt::format("params: {}{}, ", entry.parameters, needs_parameters(of) ? "" : " = {}");
      passed = "params";
    }
    const auto options = of.idempotent ? "{ idempotent: true, ...options }" : "options";
    body_.space();
    write_doc(method_doc(of));
    if (of.streams) {
      used_.insert({"Stream", "StreamOptions"});
      const auto types = fmt::format("{}, unknown, {}", text(*of.streams->item),
                                     of.streams->input ? text(*of.streams->input) : "undefined");
      // With cursors the items would be of another type; the stream itself tells the last one.
      body_.add(fmt::format("{}({}options?: Omit<StreamOptions, \"cursors\">): Stream<{}> {{", entry.name,
                            takes, types));
      body_.indent();
      body_.add(fmt::format("return this.$node.stream<{}>({}, {}, {});", types, in_quotes(of.name), passed,
                            options));
    } else {
      used_.insert("CallOptions");
      const auto result = of.result->is == type::kind::null ? "null" : text(*of.result);
      body_.add(fmt::format("{}({}options?: CallOptions): Promise<{}> {{", entry.name, takes, result));
      body_.indent();
      body_.add(fmt::format("return this.$node.call<{}>({}, {}, {});", result, in_quotes(of.name), passed,
                            options));
    }
    body_.dedent();
    body_.add("}");
  }

  const request& request_;
  const model& model_;
  lines body_{2};
  scope module_{of_module};
  std::vector<std::string> types_;
  std::string root_;
  std::set<std::string_view> used_;
};

}  // namespace

std::string write_typescript(const request& of) {
  return typescript_writer(of).write();
}

}  // namespace weft::gen
