#include <algorithm>

#include "actors/balance/policy.hpp"

namespace weft {
namespace {

constexpr balance_policy table[] = {
#define WEFT_BALANCE_POLICY(name, help) {#name, help, choose_##name},
#include "actors/balance/policies.inc"
#undef WEFT_BALANCE_POLICY
};

}  // namespace

std::span<const balance_policy> balance_policies() noexcept {
  return table;
}

const balance_policy* find_balance_policy(std::string_view name) noexcept {
  const auto* found = std::ranges::find(table, name, &balance_policy::name);
  return found == std::end(table) ? nullptr : found;
}

}  // namespace weft
