// Calls that coroutines of this process make: to a connection, a peer, or whoever serves the method.
#pragma once

#include <string_view>

#include "actors/router/handlers.hpp"
#include "actors/router/upstream.hpp"

namespace weft {

class outgoing {
 public:
  outgoing(router_site& site, records& told, calls& book, upstream& instances, handlers& own) noexcept
      : site_(site), records_(told), calls_(book), upstream_(instances), handlers_(own) {}

  /// `slot` gets the answer, also when the call cannot be made. The key takes it back.
  call_key start(const remote::address& to, std::string_view method, std::string_view raw_params,
                 const weft::context& ctx, coro::clock::time_point deadline, outbound_slot& slot);
  /// The coroutine does not wait any more: tells the callee, drops the answer.
  void abandon(call_key key);

 private:
  void start_mesh_call(call& c, std::string_view method, std::string_view raw_params,
                       const weft::context& ctx);
  void start_uplink_call(call& c);
  rpc_error unknown_peer(std::string_view name) const;

  router_site& site_;
  records& records_;
  calls& calls_;
  upstream& upstream_;
  handlers& handlers_;
};

}  // namespace weft
