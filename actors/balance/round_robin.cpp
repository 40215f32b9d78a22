// One after the other, without regard to how they do.
#include "actors/balance/policy.hpp"

namespace weft {

const endpoint* choose_round_robin(candidates from, choice_context& context) {
  return from[context.turn % from.size()];
}

}  // namespace weft
