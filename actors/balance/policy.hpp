// How one of several endpoints is chosen. A policy is one file here and one row in policies.inc.
#pragma once

#include <chrono>
#include <cstdint>
#include <random>
#include <span>
#include <string_view>

#include "actors/balance/endpoint.hpp"

namespace weft {

/// What a choice may depend on. Belongs to one router.
struct choice_context {
  std::chrono::steady_clock::time_point now;
  std::minstd_rand& random;
  /// Counts the choices of this router.
  std::uint64_t turn = 0;
  /// Raw JSON of the request's `route_key`, empty when it has none.
  std::string_view route_key;
};

using candidates = std::span<const endpoint* const>;

struct balance_policy {
  std::string_view name;
  std::string_view help;
  /// Picks one of at least one candidate, all of which may be called.
  const endpoint* (*choose)(candidates, choice_context&);
};

/// The first one is the default.
std::span<const balance_policy> balance_policies() noexcept;
/// Null when there is none of that name.
const balance_policy* find_balance_policy(std::string_view name) noexcept;

#define WEFT_BALANCE_POLICY(name, help) const endpoint* choose_##name(candidates, choice_context&);
#include "actors/balance/policies.inc"
#undef WEFT_BALANCE_POLICY

}  // namespace weft
