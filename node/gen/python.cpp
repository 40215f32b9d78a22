// Clients in Python: a class for each prefix, TypedDicts for objects. They hold exactly the members that came
// or go, under their own names, whatever those are.
#include <algorithm>
#include <cctype>
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

using names = std::set<std::string_view>;

// Without those that a method may be called, as `list` is.
const names keywords = {"False",  "None",   "True",    "and",      "as",       "assert", "async",
                        "await",  "break",  "class",   "continue", "def",      "del",    "elif",
                        "else",   "except", "finally", "for",      "from",     "global", "if",
                        "import", "in",     "is",      "lambda",   "nonlocal", "not",    "or",
                        "pass",   "raise",  "return",  "try",      "while",    "with",   "yield"};

names with(names more) {
  more.insert(keywords.begin(), keywords.end());
  return more;
}

const names of_module = with({"Any", "Literal", "NotRequired", "TypeAlias", "TypedDict", "builtins", "weft"});
const names of_class = with({"Any", "Literal", "builtins", "self", "weft"});
const names of_parameters =
    with({"Any", "Literal", "builtins", "options", "params", "result", "self", "stream", "weft"});

std::string in_quotes(std::string_view text) {
  return string_literal(text, dialect::python);
}

bool may_be_literal(const json& value) {
  return value.is_string() || value.is_number_integer() || value.is_boolean();
}

std::string literal(const json& value) {
  if (value.is_boolean()) return value.get<bool>() ? "True" : "False";
  return value.is_string() ? in_quotes(value.get<std::string>()) : value.dump();
}

class python_writer {
 public:
  explicit python_writer(const request& of) : request_(of), model_(of.model) {
    for (const auto& each : model_.types) types_.push_back(module_.take(pascal_case(each.name)));
    root_ = module_.take(pascal_case(of.name));
  }

  std::string write() {
    write_types();
    const naming by{
        .reserved = &of_class, .type_name = pascal_case, .methods_end = "Methods", .members_hide = true};
    for (const auto& each : outline_of(model_.methods, root_, module_, by)) write_class(each);
    lines head(4);
    std::vector<std::string> about{"Typed calls of methods of a weft mesh.", "",
                                   fmt::format("Made by `{}`: make it anew instead of editing it.",
                                               fmt::join(comment_lines(request_.command), ""))};
    if (auto prefixes = about_prefixes(model_); !prefixes.empty()) about.push_back(std::move(prefixes));
    head.add(docstring(about));
    head.space();
    if (uses_builtins_) head.add("import builtins");
    std::vector<std::string_view> used;
    for (const std::string_view each : {"Any", "Literal", "NotRequired", "TypeAlias", "TypedDict"}) {
      if (uses(each)) used.push_back(each);
    }
    if (!used.empty()) head.add(fmt::format("from typing import {}", fmt::join(used, ", ")));
    head.space();
    head.add("import weft");
    return head.text() + body_.text();
  }

 private:
  bool uses(std::string_view word) const {
    const std::string_view text = body_.text();
    const auto part_of_name = [](char c) {
      return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
    };
    for (auto at = text.find(word); at != text.npos; at = text.find(word, at + 1)) {
      const auto end = at + word.size();
      if ((at == 0 || !part_of_name(text[at - 1])) && (end == text.size() || !part_of_name(text[end])))
        return true;
    }
    return false;
  }

  /// A builtin type, where methods of the class may have its name.
  std::string builtin(std::string_view name, const scope* inside) {
    if (inside == nullptr || !inside->has(std::string(name))) return std::string(name);
    uses_builtins_ = true;
    return fmt::format("builtins.{}", name);
  }

  std::string plain(const type& of, const scope* inside) {
    switch (of.is) {
      case type::kind::any:
        return "Any";
      case type::kind::null:
        return "None";
      case type::kind::boolean:
        return builtin("bool", inside);
      case type::kind::integer:
        return builtin("int", inside);
      case type::kind::number:
        return builtin("float", inside);
      case type::kind::string:
        return builtin("str", inside);
      case type::kind::literal: {
        if (!std::ranges::all_of(of.values, may_be_literal)) return "Any";
        std::vector<std::string> all;
        all.reserve(of.values.size());
        for (const auto& each : of.values) all.push_back(literal(each));
        return fmt::format("Literal[{}]", fmt::join(all, ", "));
      }
      case type::kind::array:
        return fmt::format("{}[{}]", builtin("list", inside), text(*of.inner, inside));
      case type::kind::tuple: {
        std::vector<std::string> elements;
        elements.reserve(of.elements.size());
        for (const auto& each : of.elements) elements.push_back(text(*each, inside));
        return fmt::format("{}[{}]", builtin("tuple", inside), fmt::join(elements, ", "));
      }
      case type::kind::map:
        return fmt::format("{}[{}, {}]", builtin("dict", inside), builtin("str", inside),
                           text(*of.inner, inside));
      case type::kind::named:
        return types_[of.named];
    }
    return "Any";
  }

  /// A type, as it stands in an annotation. `inside`: the class whose names hide those outside of it.
  std::string text(const type& of, const scope* inside = nullptr) {
    auto made = plain(of, inside);
    return of.nullable && made != "Any" ? made + " | None" : made;
  }

  /// Whether a type contains one that is defined behind `before`.
  bool leads_on(const type& of, std::size_t before) const {
    return any_named(of, [&](std::size_t named) { return !defined_[named] || named == before; });
  }

  std::string annotation(const type& of, std::size_t at, const scope* inside) {
    const auto made = text(of, inside);
    return leads_on(of, at) ? in_quotes(made) : made;
  }

  /// A name that hides none of the module.
  std::string free_name(std::string_view of) const { return free_identifier(of, module_); }

  void write_comment(const std::string& doc) {
    for (const auto& line : comment_lines(doc)) body_.add(line.empty() ? "#" : "# " + line);
  }

  void write_types() {
    defined_.resize(model_.types.size());
    for (std::size_t i = 0; i < model_.types.size(); ++i) {
      if (model_.types[i].is == named_type::kind::enumeration) write_enumeration(i);
    }
    for (std::size_t i = 0; i < model_.types.size(); ++i) {
      if (model_.types[i].is == named_type::kind::object) write_object(i);
    }
    for (std::size_t i = 0; i < model_.types.size(); ++i) write_alternatives(i);
  }

  void write_enumeration(std::size_t at) {
    const auto& of = model_.types[at];
    std::vector<std::string> values;
    values.reserve(of.values.size());
    for (const auto& each : of.values) values.push_back(in_quotes(each));
    body_.space(at == 0 ? 2 : 1);
    write_comment(of.doc);
    body_.add(fmt::format("{}: TypeAlias = Literal[{}]", types_[at], fmt::join(values, ", ")));
    defined_[at] = true;
  }

  std::string member(const field& of, std::size_t at, const scope* inside) {
    const auto made = annotation(*of.of, at, inside);
    return of.required ? made : fmt::format("NotRequired[{}]", made);
  }

  void write_object(std::size_t at) {
    const auto& of = model_.types[at];
    const bool plain_names = std::ranges::all_of(of.fields, [this](const field& each) {
      return is_identifier(each.name) && !of_class.contains(each.name) && !each.name.starts_with("__") &&
             !module_.has(each.name);
    });
    scope inside(keywords);
    for (const auto& each : of.fields) inside.take(each.name);
    body_.space(2);
    if (plain_names) {
      body_.add(fmt::format("class {}(TypedDict):", types_[at]));
      body_.indent();
      write_docstring(comment_lines(of.doc));
      for (const auto& each : of.fields) {
        write_comment(each.doc);
        body_.add(fmt::format("{}: {}", each.name, member(each, at, &inside)));
      }
      if (of.fields.empty()) body_.add("pass");
      body_.dedent();
    } else {
      write_comment(of.doc);
      body_.add(fmt::format("{} = TypedDict({}, {{", types_[at], in_quotes(types_[at])));
      body_.indent();
      for (const auto& each : of.fields) {
        write_comment(each.doc);
        body_.add(fmt::format("{}: {},", in_quotes(each.name), member(each, at, nullptr)));
      }
      body_.dedent();
      body_.add("})");
    }
    defined_[at] = true;
  }

  /// Behind those that it is made of: their text is evaluated where it stands.
  void write_alternatives(std::size_t at) {
    const auto& of = model_.types[at];
    if (of.is != named_type::kind::alternatives || defined_[at] || open_.contains(at)) return;
    open_.insert(at);
    std::vector<std::string> choices;
    for (const auto& each : of.choices) {
      any_named(*each, [this](std::size_t named) {
        write_alternatives(named);
        return false;
      });
      // A type that is made of nothing but itself says nothing.
      const bool again = any_named(*each, [this](std::size_t named) { return !defined_[named]; });
      choices.push_back(again ? "Any" : text(*each));
    }
    body_.space(2);
    write_comment(of.doc);
    body_.add(fmt::format("{}: TypeAlias = {}", types_[at], fmt::join(choices, " | ")));
    defined_[at] = true;
  }

  static std::string docstring(const std::vector<std::string>& text) {
    const bool raw =
        std::ranges::any_of(text, [](const std::string& line) { return line.find('\\') != line.npos; });
    std::string made = raw ? "r\"\"\"" : "\"\"\"";
    made += fmt::format("{}", fmt::join(text, "\n"));
    if (text.size() > 1) made += '\n';
    if (made.ends_with('"')) made += ' ';
    return made + "\"\"\"";
  }

  void write_docstring(const std::vector<std::string>& text) {
    if (!text.empty()) body_.add(docstring(text));
  }

  void write_class(const class_outline& of) {
    body_.space(2);
    body_.add(fmt::format("class {}:", of.name));
    body_.indent();
    write_docstring(comment_lines(of.doc));
    body_.space();
    body_.add("def __init__(self, node: weft.Node) -> None:");
    body_.indent();
    if (!of.methods.empty()) body_.add("self._node = node");
    for (const auto& each : of.members) body_.add(fmt::format("self.{} = {}(node)", each.name, each.type));
    body_.dedent();
    for (const auto& each : of.methods) write_method(*each.method, each.name, of.inside);
    body_.dedent();
  }

  std::vector<std::string> method_doc(const method& of, const std::vector<std::string>& parameters) {
    auto made = comment_lines(doc_of(of));
    std::vector<std::string> more;
    for (std::size_t i = 0; of.params && i < of.params->size(); ++i) {
      const auto doc = doc_of((*of.params)[i]);
      if (!doc.empty()) {
        for (auto& line : comment_lines(fmt::format("{}: {}", parameters[i], doc)))
          more.push_back(std::move(line));
      }
    }
    if (of.streams && of.streams->resumable)
      more.emplace_back("Goes on behind the cursor of an item with weft.options(after=…).");
    if (!more.empty()) {
      made.emplace_back();
      made.insert(made.end(), more.begin(), more.end());
    }
    return made;
  }

  /// What a method gives: its result, or the stream with what comes and what it takes.
  std::string given(const method& of, const scope* inside) {
    if (!of.streams) return text(*of.result, inside);
    const auto item = text(*of.streams->item, inside);
    if (!of.streams->input) return fmt::format("weft.Stream[{}]", item);
    return fmt::format("weft.DuplexStream[{}, {}]", item, text(*of.streams->input, inside));
  }

  std::string options_of(const method& of, const type& returned, const scope& parameters) {
    std::vector<std::string> given;
    if (of.idempotent) given.emplace_back("idempotent=True");
    if (returned.is != type::kind::any && returned.is != type::kind::null)
      given.push_back("returns=" + text(returned, &parameters));
    const auto* rest = of.params ? "*options" : "*params";
    return given.empty() ? rest : fmt::format("weft.options({}), {}", fmt::join(given, ", "), rest);
  }

  void write_method(const method& of, const std::string& name, const scope& inside) {
    scope parameters(of_parameters);
    std::vector<std::string> taken;
    if (of.params) {
      for (const auto& each : *of.params) taken.push_back(parameters.take(free_name(each.name)));
    }
    const auto& returned = of.streams ? *of.streams->item : *of.result;
    body_.space();
    body_.add(fmt::format("{}def {}(self, {}) -> {}:", of.streams ? "" : "async ", name,
                          signature(of, taken, inside), given(of, &inside)));
    body_.indent();
    write_docstring(method_doc(of, taken));
    const auto arguments = write_arguments(of, taken, parameters);
    const auto what =
        fmt::format("({}, {}{})", in_quotes(of.name), options_of(of, returned, parameters), arguments);
    const auto kept = given(of, &parameters);
    if (of.streams) {
      body_.add(fmt::format("stream: {} = self._node.stream{}", kept, what));
      body_.add("return stream");
    } else if (returned.is == type::kind::null) {
      body_.add(fmt::format("await self._node.call{}", what));
    } else {
      body_.add(fmt::format("result: {} = await self._node.call{}", kept, what));
      body_.add("return result");
    }
    body_.dedent();
  }

  std::string signature(const method& of, const std::vector<std::string>& taken, const scope& inside) {
    if (!of.params) return "*params: Any, **named: Any";
    auto made = std::string("*options: weft.Options");
    for (std::size_t i = 0; i < taken.size(); ++i) {
      const auto& each = (*of.params)[i];
      auto shown = text(*each.of, &inside);
      if (!each.required && !each.of->nullable && shown != "Any" && shown != "None") shown += " | None";
      made += fmt::format(", {}: {}{}", taken[i], shown, each.required ? "" : " = None");
    }
    return made;
  }

  /// What is passed on behind the options. Parameters that were left out are not sent.
  std::string write_arguments(const method& of, const std::vector<std::string>& taken,
                              const scope& parameters) {
    if (!of.params || taken.empty()) return of.params ? "" : ", **named";
    const bool direct = std::ranges::all_of(*of.params, &field::required) &&
                        std::ranges::equal(*of.params, taken, {}, &field::name);
    std::vector<std::string> all;
    for (std::size_t i = 0; i < taken.size(); ++i) {
      const auto& each = (*of.params)[i];
      if (direct) {
        all.push_back(fmt::format("{0}={0}", taken[i]));
      } else if (each.required) {
        all.push_back(fmt::format("{}: {}", in_quotes(each.name), taken[i]));
      }
    }
    if (direct) return fmt::format(", {}", fmt::join(all, ", "));
    body_.add(fmt::format("params: {}[{}, Any] = {{{}}}", builtin("dict", &parameters),
                          builtin("str", &parameters), fmt::join(all, ", ")));
    for (std::size_t i = 0; i < taken.size(); ++i) {
      const auto& each = (*of.params)[i];
      if (each.required) continue;
      body_.add(fmt::format("if {} is not None:", taken[i]));
      body_.indent();
      body_.add(fmt::format("params[{}] = {}", in_quotes(each.name), taken[i]));
      body_.dedent();
    }
    return ", **params";
  }

  const request& request_;
  const model& model_;
  lines body_{4};
  scope module_{of_module};
  std::vector<std::string> types_;
  std::string root_;
  std::vector<bool> defined_;
  std::set<std::size_t> open_;
  bool uses_builtins_ = false;
};

}  // namespace

std::string write_python(const request& of) {
  return python_writer(of).write();
}

}  // namespace weft::gen
