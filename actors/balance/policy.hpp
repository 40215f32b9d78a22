// How one of several endpoints is chosen. A policy is one file and one row in policies.cpp.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <random>
#include <span>
#include <string_view>

#include "actors/balance/endpoint.hpp"

namespace weft {

enum class balance_policy : std::uint8_t { p2c, round_robin, consistent_hash };

/// What a choice may depend on. Belongs to one router.
struct choice_context {
  std::chrono::steady_clock::time_point now;
  std::minstd_rand& random;
  /// Counts the choices of this router.
  std::uint64_t turn = 0;
  /// Raw JSON of the request's `route_key`, empty when it has none.
  std::string_view route_key;
};

/// Picks one of at least one candidate, all of which may be called.
using choose_function = const endpoint* (*)(std::span<const endpoint* const> candidates,
                                            choice_context& context);

const endpoint* choose_p2c(std::span<const endpoint* const> candidates, choice_context& context);
const endpoint* choose_round_robin(std::span<const endpoint* const> candidates, choice_context& context);
const endpoint* choose_consistent_hash(std::span<const endpoint* const> candidates, choice_context& context);

choose_function chooser(balance_policy policy) noexcept;
std::string_view to_string(balance_policy policy) noexcept;
std::optional<balance_policy> parse_balance_policy(std::string_view name) noexcept;

}  // namespace weft
