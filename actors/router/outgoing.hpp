// Calls that coroutines of this process make: to a connection, a peer, or whoever serves the method.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "actors/router/handlers.hpp"
#include "actors/router/upstream.hpp"

namespace weft {

/// How a stream is asked for.
struct stream_options {
  /// Items that may be on their way.
  std::int64_t window = 64;
  /// Go on behind this cursor, of a resumable method.
  std::string raw_after{};
};

class outgoing {
 public:
  outgoing(router_site& site, records& told, attempts& tries, calls& book, streams& flows,
           upstream& instances, handlers& own) noexcept
      : site_(site),
        records_(told),
        attempts_(tries),
        calls_(book),
        streams_(flows),
        upstream_(instances),
        handlers_(own) {}

  /// `slot` gets the answer, also when the call cannot be made. The key takes it back.
  call_key start(const remote::address& to, std::string_view method, std::string_view raw_params,
                 const weft::handler_context& ctx, coro::clock::time_point deadline, outbound_slot& slot) {
    return start(to, method, raw_params, ctx, deadline, slot, nullptr, {});
  }
  call_key start_stream(const remote::address& to, std::string_view method, std::string_view raw_params,
                        const weft::handler_context& ctx, const stream_options& wanted, stream_end& reader,
                        outbound_slot& slot);
  void take_items(call_key key, std::int64_t items);
  void tell_callee(call_key key, proto::stream_message what, const proto::stream_members& members);
  /// The coroutine does not wait any more: tells the callee, drops the answer.
  void abandon(call_key key);

  // -- notifications: nothing happens when they cannot be sent
  /// To a connection that may be gone, going or full.
  void notify(connection_key to, std::string_view method, std::string_view raw_params);
  /// To one of those who serve the method elsewhere.
  void notify_anyone(std::string_view method, std::string_view raw_params, const weft::handler_context& ctx);
  void notify_peer(const std::string& name, std::string_view method, std::string_view raw_params,
                   const weft::handler_context& ctx);

 private:
  call_key start(const remote::address& to, std::string_view method, std::string_view raw_params,
                 const weft::handler_context& ctx, coro::clock::time_point deadline, outbound_slot& slot,
                 stream_end* reader, const stream_options& wanted);
  call* stream_of(call_key key) const;
  void start_mesh_call(call& c, std::string_view method, std::string_view raw_params,
                       const weft::handler_context& ctx);
  void start_uplink_call(call& c);
  rpc_error unknown_peer(std::string_view name) const;

  router_site& site_;
  records& records_;
  attempts& attempts_;
  calls& calls_;
  streams& streams_;
  upstream& upstream_;
  handlers& handlers_;
};

}  // namespace weft
