#include "actors/router/admitter.hpp"

namespace weft {

void admitter::offer() {
  while (waiting_.any_freed()) {
    const auto offer = waiting_.next_offer();
    if (offer.reactor_index == site_.index()) {
      admit(offer.of);
    } else if (offer.reactor_index < site_.router_count()) {
      site_.send((*site_.environment.routers)[offer.reactor_index],
                 make_actor_message<permit_message>(offer.of));
    }
  }
}

void admitter::on_permit(const permit_message& message) {
  admit(message.admission);
  if (waiting_.has_permit(*message.admission)) waiting_.freed(message.admission);
}

void admitter::admit(const permits::limit& of) {
  while (auto* first = waiting_.first(*of)) {
    auto& c = *static_cast<call*>(first);
    if (waiting_.is_late(c, *of, site_.now())) {
      calls_.waited_too_long(c);
      continue;
    }
    if (of->full()) return;
    if (c.handling.method != nullptr) {
      handlers_.resume(c);
    } else if (!upstream_.resume(c)) {
      return;
    }
  }
}

}  // namespace weft
