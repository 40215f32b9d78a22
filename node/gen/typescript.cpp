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
#include "node/gen/text.hpp"
#include "node/gen/tree.hpp"

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
    write_class(tree_of(model_.methods), root_);
    lines head(2);
    head.add(fmt::format(
        "// Typed calls of methods of a weft mesh. Made by `{}`: make it anew instead of editing it.",
        request_.command));
    if (!model_.prefixes.empty()) {
      head.add(
          fmt::format("// Methods that only their prefix is known of: {}.",
                      fmt::join(comment_lines(fmt::format("{}", fmt::join(model_.prefixes, ", "))), "")));
    }
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

  std::vector<std::string> doc_of(const field& of) {
    auto doc = of.doc;
    if (of.fallback) doc += (doc.empty() ? "" : " ") + fmt::format("By default {}.", of.fallback->dump());
    return comment_lines(doc);
  }

  void write_fields(const std::vector<field>& fields) {
    body_.indent();
    for (const auto& each : fields) {
      write_doc(doc_of(each));
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

  void write_class(const branch& of, const std::string& name) {
    scope inside(of_class);
    std::vector<std::pair<std::string, std::string>> members;
    for (const auto& each : of.inner) {
      const auto inner_name = module_.take(pascal_case(each.path) + "Methods");
      members.emplace_back(inside.take(identifier(each.name)), inner_name);
      write_class(each, inner_name);
    }
    std::vector<std::string> parameters(of.methods.size());
    for (std::size_t i = 0; i < of.methods.size(); ++i) {
      const auto& each = model_.methods[of.methods[i].method];
      if (!each.params || each.params->empty()) continue;
      parameters[i] = module_.take(pascal_case(each.name) + "Params");
      body_.space();
      write_interface(parameters[i], *each.params);
    }
    used_.insert("Client");
    body_.space();
    write_doc(comment_lines(of.path.empty() ? "The methods of a mesh, by the parts of their names."
                                            : fmt::format("The methods {}.*", of.path)));
    body_.add(fmt::format("export class {} {{", name));
    body_.indent();
    // No method has a name like this one.
    body_.add("private readonly $node: Client;");
    for (const auto& [member, type_name] : members)
      body_.add(fmt::format("readonly {}: {};", member, type_name));
    body_.space();
    body_.add("constructor(node: Client) {");
    body_.indent();
    body_.add("this.$node = node;");
    for (const auto& [member, type_name] : members)
      body_.add(fmt::format("this.{} = new {}(node);", member, type_name));
    body_.dedent();
    body_.add("}");
    for (std::size_t i = 0; i < of.methods.size(); ++i) {
      write_method(model_.methods[of.methods[i].method], inside.take(identifier(of.methods[i].name)),
                   parameters[i]);
    }
    body_.dedent();
    body_.add("}");
  }

  std::vector<std::string> method_doc(const method& of) {
    auto made = comment_lines(of.doc.empty() ? of.name + "." : of.doc);
    if (of.streams && of.streams->resumable) {
      made.emplace_back();
      made.emplace_back("Goes on behind the cursor of an item with the option `after`.");
    }
    return made;
  }

  void write_method(const method& of, const std::string& name, const std::string& parameters) {
    std::string takes;
    std::string passed = "undefined";
    if (!of.params) {
      used_.insert("Params");
      takes = "params?: Params, ";
      passed = "params";
    } else if (!parameters.empty()) {
      const bool needed = std::ranges::any_of(*of.params, &field::required);
      takes = fmt::format("params: {}{}, ", parameters, needed ? "" : " = {}");
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
      body_.add(
          fmt::format("{}({}options?: Omit<StreamOptions, \"cursors\">): Stream<{}> {{", name, takes, types));
      body_.indent();
      body_.add(fmt::format("return this.$node.stream<{}>({}, {}, {});", types, in_quotes(of.name), passed,
                            options));
    } else {
      used_.insert("CallOptions");
      const auto result = of.result->is == type::kind::null ? "null" : text(*of.result);
      body_.add(fmt::format("{}({}options?: CallOptions): Promise<{}> {{", name, takes, result));
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
