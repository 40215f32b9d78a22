// The messages of a stream, written to its other end: a connection of this reactor, or the router of another
// one. Ends in this process are called directly and get none.
//
// Thread safety: none; part of a router.
#pragma once

#include <optional>
#include <string_view>

#include "actors/router/outbox.hpp"
#include "actors/router/stream_failures.hpp"
#include "actors/router/stream_room.hpp"

namespace weft {

class stream_messages {
 public:
  using kind = proto::stream_message;
  using members = proto::stream_members;

  stream_messages(router_site& site, connections& entries, outbox& others, stream_room& room,
                  stream_failures& failures) noexcept
      : site_(site), connections_(entries), outbox_(others), room_(room), failures_(failures) {}

  /// To whoever works on it; `m.id` is filled in. False when the stream has ended with that.
  bool to_callee(call& c, kind what, members m);
  /// To the router that the call came from.
  void to_leg(const call& c, kind what, const members& m);
  void accept_to(connection_entry& caller, const call& c, members m);
  void item_to(connection_entry& caller, call& c, std::string_view raw_value, std::string_view raw_cursor);

 private:
  std::optional<rpc_error> check_room(kind what, const members& m, const connection_entry& callee);

  router_site& site_;
  connections& connections_;
  outbox& outbox_;
  stream_room& room_;
  stream_failures& failures_;
};

}  // namespace weft
