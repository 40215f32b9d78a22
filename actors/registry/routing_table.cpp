#include "actors/registry/routing_table.hpp"

namespace weft {

const route* routing_table::find(std::string_view method) const noexcept {
  if (const auto found = exact.find(method); found != exact.end()) return &found->second;
  if (prefixes.empty()) return nullptr;
  // One look per dot of the name, however many prefixes there are.
  for (auto dot = method.rfind('.'); dot != method.npos && dot != 0; dot = method.rfind('.', dot - 1)) {
    const auto found = prefixes.find(method.substr(0, dot + 1));
    if (found != prefixes.end()) return &found->second;
  }
  return nullptr;
}

}  // namespace weft
