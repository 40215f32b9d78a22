// The instance with the fewest calls under way for its weight; of several, the next in turn. It looks at all
// of them: for a few instances whose calls take very different times, where two at random may both be the
// busy ones.
#include "actors/balance/policy.hpp"

namespace weft {
namespace {

double load_of(const endpoint& candidate) {
  return static_cast<double>(candidate.state->in_flight()) / candidate.weight;
}

}  // namespace

const endpoint* choose_least_requests(candidates from, choice_context& context) {
  const auto begin = context.turn % from.size();
  const endpoint* best = from[begin];
  for (std::size_t i = 1; i < from.size(); ++i) {
    const auto* candidate = from[(begin + i) % from.size()];
    if (load_of(*candidate) < load_of(*best)) best = candidate;
  }
  return best;
}

}  // namespace weft
