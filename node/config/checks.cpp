#include "node/config/checks.hpp"

#include <fmt/format.h>

#include "actors/balance/policy.hpp"
#include "actors/methods/method_pattern.hpp"
#include "actors/transport/address.hpp"

namespace weft {

std::string check_id(std::string_view id) {
  return id.empty() ? "" : check_node_name(id);
}

std::string check_policy(std::string_view value) {
  if (find_balance_policy(value) != nullptr) return {};
  std::string names;
  for (const auto& policy : balance_policies())
    names += (names.empty() ? "" : ", ") + std::string(policy.name);
  return fmt::format("no policy is called \"{}\"; there are {}", value, names);
}

std::string check_calls(std::string_view value) {
  if (parse_rule_number(value, 1, 1'000'000)) return {};
  return fmt::format("\"{}\" is no number of calls; use 1 to 1000000", value);
}

std::string check_percentile(std::string_view value) {
  if (parse_rule_number(value, 50, 99)) return {};
  return fmt::format("\"{}\" is no percentile; use 50 to 99", value);
}

}  // namespace weft
