#include "actors/balance/policy.hpp"

namespace weft {
namespace {

struct row {
  balance_policy policy;
  std::string_view name;
  choose_function choose;
};

constexpr row table[] = {
    {balance_policy::p2c, "p2c", choose_p2c},
    {balance_policy::round_robin, "round_robin", choose_round_robin},
    {balance_policy::consistent_hash, "consistent_hash", choose_consistent_hash},
};

}  // namespace

choose_function chooser(balance_policy policy) noexcept {
  for (const auto& entry : table) {
    if (entry.policy == policy) return entry.choose;
  }
  return choose_p2c;
}

std::string_view to_string(balance_policy policy) noexcept {
  for (const auto& entry : table) {
    if (entry.policy == policy) return entry.name;
  }
  return "p2c";
}

std::optional<balance_policy> parse_balance_policy(std::string_view name) noexcept {
  for (const auto& entry : table) {
    if (entry.name == name) return entry.policy;
  }
  return std::nullopt;
}

}  // namespace weft
