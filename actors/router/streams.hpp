// Streams: calls whose callee sends items, one by one, as far as the caller grants them (docs/protocol.md,
// Streams). A stream is a call like any other, opened, cancelled, tried again and settled where all are; here
// is what passes between its beginning and its answer.
//
// Each node on the way counts what it lets through (stream_flow.hpp). Where caller and callee are connected
// to two reactors, the caller's keeps the flow of the items, the callee's that of the values sent to it.
//
// The members are defined by direction: streams.cpp has the beginning, streams_to_caller.cpp what the callee
// sends, streams_to_callee.cpp what the caller sends, streams_ends.cpp what ends early or goes on elsewhere.
#pragma once

#include <optional>
#include <string_view>

#include "actors/router/stream_grants.hpp"

namespace weft {

class streams {
  using members = proto::stream_members;
  using kind = proto::stream_message;

 public:
  streams(router_site& site, connections& entries, outbox& others, attempts& tries, calls& book) noexcept
      : site_(site),
        connections_(entries),
        attempts_(tries),
        calls_(book),
        room_(site, entries),
        failures_(site, book),
        messages_(site, entries, others, room_, failures_),
        grants_(site, entries, room_, messages_) {}

  /// What is wrong with the member `stream` of a request, if anything is.
  static std::optional<rpc_error> check(const proto::envelope& message);
  /// The call becomes a stream: one that its caller asks for, or, when it does not, one whose items are
  /// gathered for it.
  void open(call& c, const proto::envelope& message, bool resumable);
  /// One that a coroutine of this process asks for.
  void open(call& c, stream_end& caller, std::int64_t items, std::string_view raw_after, bool resumable);
  /// The same at the reactor of the callee.
  void open_leg(call& c);

  /// True when the notification was one of these, and is dealt with.
  bool handle(request& r);
  void on_remote(remote_item& item);
  /// The call was sent to an instance.
  void on_sent(call& c);
  /// The connection's streams get no further credit from it.
  void on_half_closed(connection_entry& caller);
  /// Another instance gets it, behind what was passed on. The request for that is made.
  void go_on(call& c);
  /// Its instance is about to go: it ends there, to go on elsewhere.
  void move(call& c);
  /// This node ends and waits for none of them any longer.
  void end_all();
  /// The caller has closed its side, and has had time to be found gone.
  void end_ungranted(call& c);
  /// The connection has so little left to write that its streams may go on.
  void on_drained(connection_entry& entry);

  /// May it be sent to another instance? Not when items were passed on that it could not go on behind.
  static bool may_restart(const call& c) noexcept {
    if (!c.stream) return true;
    if (c.stream->input.taken || c.paused == call::pause::half_closed) return false;
    return c.stream->seq.told == 0 || is_resumable(c);
  }
  /// True where that means to go on behind the last item.
  static bool is_resumable(const call& c) noexcept { return c.stream->elsewhere.possible(); }

  /// From a callee of this process. False when the stream has ended with that.
  bool item(call& c, std::string_view raw_value, std::string_view raw_cursor = {});
  /// True when the answer is to be what was gathered, which is complete now. An instance that does not stream
  /// has answered plainly.
  static bool gathered_for(call& c);
  /// From the caller: anything but that it has taken items, which `grants` hears.
  void from_caller(call& c, kind what, const members& m);
  stream_grants& grants() noexcept { return grants_; }

 private:
  // -- from the callee
  void on_item(call& c, const members& m);
  void on_accept(call& c, const members& m);
  // -- from the caller
  void on_credit(call& c, const members& m);
  void on_send(call& c, const members& m);
  void on_throw(call& c, const members& m);
  void on_end(call& c);

  /// Hands an item to whoever has called.
  bool pass_down(call& c, std::string_view raw_value, std::string_view raw_cursor);
  bool gather(call& c, std::string_view raw_value);
  /// Its caller has closed its side: is it there still, and will it never grant more?
  /// False when the stream has ended with that.
  bool doubt_caller(call& c);

  /// Items that may be on their way to a node that gathers them.
  static constexpr std::int64_t gathered_at_a_time = 256;
  /// Kept for as long as the stream, so they are small.
  static constexpr std::size_t longest_cursor = 1024;

  router_site& site_;
  connections& connections_;
  attempts& attempts_;
  calls& calls_;
  stream_room room_;
  stream_failures failures_;
  stream_messages messages_;
  stream_grants grants_;
};

}  // namespace weft
