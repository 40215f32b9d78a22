// One after the other, without regard to how they do.
#include "actors/balance/policy.hpp"

namespace weft {

const endpoint* choose_round_robin(std::span<const endpoint* const> candidates, choice_context& context) {
  return candidates[context.turn % candidates.size()];
}

}  // namespace weft
