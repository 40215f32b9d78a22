// What the receivers of a stream's items and values grant, passed on to their senders as far as there is room
// on the way.
//
// Thread safety: none; part of a router.
#pragma once

#include <cstdint>

#include "actors/router/stream_messages.hpp"

namespace weft {

class stream_grants {
 public:
  stream_grants(router_site& site, connections& entries, stream_room& room,
                stream_messages& messages) noexcept
      : site_(site), connections_(entries), room_(room), messages_(messages) {}

  // -- items, towards the caller
  /// A generator of this process works on it.
  void begin_here(call& c) { c.stream->down.next(room_.down(c)); }
  /// Its request as the next instance is to get it.
  void restart(call& c);
  /// The caller has granted more, or there is more room for what it has.
  void tell_credit(call& c);
  /// A caller of this process has taken so many items.
  void taken(call& c, std::int64_t items);

  // -- values, towards the callee
  /// A callee of this process has taken what was sent, and takes so many values more.
  void accept(call& c, std::int64_t items);
  /// The callee has granted more, or there is more room for what it has.
  void accept_more(call& c);
  /// To the caller: so many values more may come.
  void tell_accept(call& c, const proto::stream_grant& more);

  /// What was sent has left this node.
  void drained(call& c, bool downwards);

 private:
  /// Puts the member `stream` into its request.
  void write_member(call& c, std::string_view value);

  router_site& site_;
  connections& connections_;
  stream_room& room_;
  stream_messages& messages_;
};

}  // namespace weft
