// Power of two choices: of two candidates taken at random, the one that is expected to answer sooner. Best
// known from Mitzenmacher 2001; as accurate as looking at all of them, without herding onto the one that was
// best a moment ago.
#include "actors/balance/policy.hpp"

namespace weft {
namespace {

// An instance on another node costs a hop more: it has to be clearly better.
constexpr double remote_penalty = 2.0;

double cost_of(const endpoint& candidate, const choice_context& context) {
  const auto cost = candidate.state->cost(context.now) / candidate.weight;
  return candidate.local ? cost : cost * remote_penalty + 1;
}

}  // namespace

const endpoint* choose_p2c(candidates from, choice_context& context) {
  if (from.size() == 1) return from.front();
  std::uniform_int_distribution<std::size_t> any(0, from.size() - 1);
  std::uniform_int_distribution<std::size_t> any_other(0, from.size() - 2);
  const auto first = any(context.random);
  auto second = any_other(context.random);
  if (second >= first) ++second;
  const auto* a = from[first];
  const auto* b = from[second];
  return cost_of(*b, context) < cost_of(*a, context) ? b : a;
}

}  // namespace weft
