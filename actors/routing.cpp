#include "actors/routing.hpp"

namespace weft {

const route* routing_table::find(std::string_view method) const noexcept {
  if (const auto found = exact.find(method); found != exact.end()) return &found->second;
  for (const auto& [prefix, serving] : prefixes) {
    if (method.starts_with(prefix)) return &serving;
  }
  return nullptr;
}

}  // namespace weft
