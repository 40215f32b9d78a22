// Gives permits that came back to the calls that wait for them, here and on other reactors.
#pragma once

#include "actors/router/handlers.hpp"
#include "actors/router/permits.hpp"
#include "actors/router/upstream.hpp"

namespace weft {

class admitter {
 public:
  admitter(router_site& site, permits& limited, calls& book, upstream& instances, handlers& own) noexcept
      : site_(site), waiting_(limited.waiting()), calls_(book), upstream_(instances), handlers_(own) {}

  /// What came back in this turn goes to the reactors in turn.
  void offer();
  /// Another reactor offers it.
  void on_permit(const permit_message& message);

 private:
  void admit(const permits::limit& of);

  router_site& site_;
  waiting_room& waiting_;
  calls& calls_;
  upstream& upstream_;
  handlers& handlers_;
};

}  // namespace weft
