#include "node/gen/merge.hpp"

#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

namespace weft::gen {
namespace {

using classes = std::vector<std::size_t>;

/// A text that is the same for types that cannot be told apart, if `of` says which named ones cannot.
std::string shape(const type& each, const classes& of) {
  auto text = fmt::format("{}{}", static_cast<int>(each.is), each.nullable ? "?" : "");
  if (each.is == type::kind::named) text += fmt::format("#{}", of[each.named]);
  for (const auto& value : each.values) text += value.dump(-1, ' ', true, json::error_handler_t::replace);
  if (each.minimum) text += fmt::format(">{}", *each.minimum);
  if (each.maximum) text += fmt::format("<{}", *each.maximum);
  if (each.inner) text += "(" + shape(*each.inner, of) + ")";
  for (const auto& element : each.elements) text += "(" + shape(*element, of) + ")";
  return text;
}

std::string quoted(const std::string& text) {
  return json(text).dump(-1, ' ', true, json::error_handler_t::replace);
}

std::string shape(const named_type& each, const classes& of) {
  // A title has no place in it.
  const bool titled = each.name.find('.') == std::string::npos;
  auto text = fmt::format("{} {}", static_cast<int>(each.is), titled ? quoted(each.name) : "");
  for (const auto& one : each.fields)
    text += fmt::format(" {}{}:{}", quoted(one.name), one.required ? "!" : "", shape(*one.of, of));
  for (const auto& value : each.values) text += " " + quoted(value);
  for (const auto& choice : each.choices) text += " |" + shape(*choice, of);
  return text;
}

/// The class of each type: refined until types of one class differ in nothing.
classes classify(const std::vector<named_type>& types) {
  classes of(types.size(), 0);
  for (std::size_t before = 0;;) {
    std::map<std::pair<std::size_t, std::string>, std::size_t> known;
    classes next(types.size());
    for (std::size_t i = 0; i < types.size(); ++i)
      next[i] = known.try_emplace({of[i], shape(types[i], of)}, known.size()).first->second;
    of = std::move(next);
    if (known.size() == before) return of;
    before = known.size();
  }
}

/// Goes through a model in the order of its methods, and gives the types that it meets new numbers.
class renumbering {
 public:
  renumbering(model& of, classes equal) : of_(of), equal_(std::move(equal)) {}

  void run() {
    for (auto& each : of_.methods) {
      if (each.params) visit_fields(*each.params);
      visit(each.result);
      if (!each.streams) continue;
      visit(each.streams->item);
      visit(each.streams->input);
    }
    // Grows meanwhile.
    for (std::size_t i = 0; i < taken_.size(); ++i) {
      auto moved = of_.types[taken_[i]];
      visit_fields(moved.fields);
      for (auto& choice : moved.choices) visit(choice);
      made_.push_back(std::move(moved));
    }
    of_.types = std::move(made_);
  }

 private:
  void visit_fields(std::vector<field>& fields) {
    for (auto& each : fields) visit(each.of);
  }

  void visit(type_pointer& at) {
    if (!at) return;
    if (at->is == type::kind::named) {
      type renamed = *at;
      const auto [known, is_new] = numbers_.try_emplace(equal_[at->named], taken_.size());
      if (is_new) taken_.push_back(at->named);
      renamed.named = known->second;
      at = std::make_shared<const type>(std::move(renamed));
    } else if (at->inner || !at->elements.empty()) {
      type renamed = *at;
      visit(renamed.inner);
      for (auto& each : renamed.elements) visit(each);
      at = std::make_shared<const type>(std::move(renamed));
    }
  }

  model& of_;
  classes equal_;
  std::map<std::size_t, std::size_t> numbers_;
  std::vector<std::size_t> taken_;
  std::vector<named_type> made_;
};

}  // namespace

void merge_equal_types(model& of) {
  renumbering(of, classify(of.types)).run();
}

}  // namespace weft::gen
