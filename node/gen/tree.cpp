#include "node/gen/tree.hpp"

#include <algorithm>

namespace weft::gen {
namespace {

/// Further dots belong to the last part.
constexpr std::size_t deepest = 8;

branch& inner_of(branch& of, const std::string& name) {
  const auto found = std::ranges::find(of.inner, name, &branch::name);
  if (found != of.inner.end()) return *found;
  of.inner.push_back({.name = name, .path = of.path.empty() ? name : of.path + "." + name});
  return of.inner.back();
}

}  // namespace

branch tree_of(const std::vector<method>& methods) {
  branch root;
  for (std::size_t i = 0; i < methods.size(); ++i) {
    branch* at = &root;
    auto rest = methods[i].name;
    for (std::size_t depth = 0; depth < deepest; ++depth) {
      const auto dot = rest.find('.');
      if (dot == std::string::npos || dot == 0 || dot + 1 == rest.size()) break;
      at = &inner_of(*at, rest.substr(0, dot));
      rest.erase(0, dot + 1);
    }
    at->methods.push_back({rest, i});
  }
  return root;
}

}  // namespace weft::gen
