// Permits of methods whose calls under way are limited: who has one, who waits for one here, what came back.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "actors/admission/waiting_room.hpp"
#include "actors/router/call.hpp"
#include "actors/router/connections.hpp"

namespace weft {

class permits {
 public:
  using limit = std::shared_ptr<admission_state>;

  permits(router_site& site, connections& entries) noexcept
      : site_(site),
        connections_(entries),
        waiting_(site.options.limits, site.home.index(), site.environment.reactors) {}

  /// May a call that comes now go at once? Whoever waits already goes first.
  bool has(const limit& of) const { return waiting_.has_permit(*of); }
  static void enter(attempt& a, const limit& of) {
    of->enter();
    a.permit = of;
  }
  void leave(attempt& a) {
    a.permit->leave();
    waiting_.freed(std::exchange(a.permit, nullptr));
  }

  /// The call waits from now on; else why it may not.
  std::optional<std::string> wait(call& c, const limit& of);
  void stop_waiting(call& c);

  /// Whose turn it is.
  waiting_room& waiting() noexcept { return waiting_; }

 private:
  router_site& site_;
  connections& connections_;
  waiting_room waiting_;
};

}  // namespace weft
