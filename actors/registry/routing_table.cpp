#include "actors/registry/routing_table.hpp"

#include "actors/methods/method_pattern.hpp"

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

const route* routing_table::find_pattern(std::string_view pattern) const noexcept {
  const bool prefix = is_prefix_pattern(pattern);
  const auto& among = prefix ? prefixes : exact;
  const auto found = among.find(prefix ? pattern.substr(0, pattern.size() - 1) : pattern);
  return found == among.end() ? nullptr : &found->second;
}

}  // namespace weft
