#include "node/gen/outline.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "node/gen/text.hpp"
#include "node/gen/tree.hpp"

namespace weft::gen {
namespace {

class walk {
 public:
  walk(const std::vector<method>& methods, scope& module, const naming& by)
      : methods_(methods), module_(module), by_(by) {}

  void visit(const branch& of, const std::string& name) {
    class_outline made{.name = name,
                       .doc = of.path.empty() ? "The methods of a mesh, by the parts of their names."
                                              : fmt::format("The methods {}.*", of.path),
                       .inside = scope(*by_.reserved)};
    if (by_.takes_own_name) made.inside.take(name);
    for (const auto& each : by_.taken) made.inside.take(each);
    for (const auto& each : of.inner) {
      const auto type = module_.take(by_.type_name(each.path) + std::string(by_.methods_end));
      made.members.push_back({.name = made.inside.take(member_name(each.name)), .type = type});
      visit(each, type);
    }
    for (const auto& each : of.methods) {
      const auto& method = methods_[each.method];
      auto& entry = made.methods.emplace_back(made.inside.take(member_name(each.name)), &method);
      if (!by_.parameters_end.empty() && method.params && !method.params->empty())
        entry.parameters = module_.take(by_.type_name(method.name) + std::string(by_.parameters_end));
    }
    made_.push_back(std::move(made));
  }

  std::vector<class_outline> take() { return std::move(made_); }

 private:
  std::string member_name(std::string_view of) const {
    return by_.members_hide ? free_identifier(of, module_) : identifier(of);
  }

  const std::vector<method>& methods_;
  scope& module_;
  const naming& by_;
  std::vector<class_outline> made_;
};

}  // namespace

std::vector<class_outline> outline_of(const std::vector<method>& methods, const std::string& root,
                                      scope& module, const naming& by) {
  walk through(methods, module, by);
  through.visit(tree_of(methods), root);
  return through.take();
}

std::string doc_of(const method& of) {
  return of.doc.empty() ? of.name + "." : of.doc;
}

std::string doc_of(const field& of) {
  if (!of.fallback) return of.doc;
  return fmt::format("{}{}By default {}.", of.doc, of.doc.empty() ? "" : " ", of.fallback->dump());
}

bool needs_parameters(const method& of) {
  return of.params && std::ranges::any_of(*of.params, &field::required);
}

std::string about_prefixes(const model& of) {
  if (of.prefixes.empty()) return {};
  const auto all = comment_lines(fmt::format("{}", fmt::join(of.prefixes, ", ")));
  return fmt::format("Methods that only their prefix is known of: {}.", fmt::join(all, ""));
}

}  // namespace weft::gen
