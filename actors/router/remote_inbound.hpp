// What the routers of other reactors bring: legs of calls, their answers, messages of their streams.
//
// Thread safety: none; part of a router.
#pragma once

#include "actors/router/upstream.hpp"

namespace weft {

class remote_inbound {
 public:
  remote_inbound(router_site& site, attempts& tries, calls& book, streams& flows,
                 upstream& instances) noexcept
      : site_(site), attempts_(tries), calls_(book), streams_(flows), upstream_(instances) {}

  void on_item(remote_item& item);

 private:
  /// The second leg of an attempt there.
  void on_call(remote_item& item);
  /// What an attempt of this reactor came to there.
  void on_answer(remote_item& item);
  /// The call is not awaited any more, or its caller has taken it back.
  void on_cancel(const remote_item& item);

  router_site& site_;
  attempts& attempts_;
  calls& calls_;
  streams& streams_;
  upstream& upstream_;
};

}  // namespace weft
