// Streams: calls whose callee sends items, one by one, as far as the caller grants them (docs/protocol.md,
// Streams). A stream is a call like any other, opened, cancelled, tried again and settled where all are; here
// is what passes between its beginning and its answer.
//
// Each node on the way counts what it lets through (stream_flow.hpp). Where caller and callee are connected
// to two reactors, the caller's keeps the flow of the items, the callee's that of the values sent to it.
//
// The members are defined by direction: streams.cpp has the beginning, streams_to_caller.cpp what the callee
// sends, streams_to_callee.cpp what the caller sends, streams_ends.cpp what waits and what ends early.
#pragma once

#include <optional>
#include <string_view>

#include "actors/router/calls.hpp"
#include "actors/router/stream_state.hpp"
#include "proto/stream.hpp"

namespace weft {

class streams {
  using members = proto::stream_members;
  using kind = proto::stream_message;

 public:
  streams(router_site& site, links& connections, outbox& others, attempts& tries, calls& book) noexcept
      : site_(site), links_(connections), outbox_(others), attempts_(tries), calls_(book) {}

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
  /// A generator of this process works on it.
  void begin_here(call& c);
  /// It was sent to an instance.
  void on_sent(call& c);
  /// Its streams get no further credit from it.
  void on_half_closed(link_entry& caller);
  /// Another instance gets it, behind what was passed on. The request for that is made.
  void go_on(call& c);
  /// Its instance is about to go: it ends there, to go on elsewhere.
  void move(call& c);
  /// This node ends and waits for none of them any longer.
  void end_all();
  /// The caller has closed its side, and has had time to be found gone.
  void end_ungranted(call& c);
  /// So little is left to be written to the connection that its streams may go on.
  void on_drained(link_entry& entry);

  /// May it be sent to another instance? Not when items were passed on that it could not go on behind.
  static bool may_restart(const call& c) noexcept {
    if (!c.stream) return true;
    if (c.stream->took_input || c.paused == call::pause::half_closed) return false;
    return c.stream->next_seq == 0 || is_resumable(c);
  }
  /// True where that means to go on behind the last item.
  static bool is_resumable(const call& c) noexcept {
    return c.stream->resumable && !c.stream->cursor.empty();
  }
  /// Its request as the next instance is to get it.
  void restart(call& c);

  // -- an end in this process
  /// From the callee. False when the stream has ended with that.
  bool item(call& c, std::string_view raw_value, std::string_view raw_cursor = {});
  /// True when the answer is to be what was gathered, which is complete now. An instance that does not stream
  /// has answered plainly.
  static bool gathered_for(call& c);
  /// From the callee: it has taken what was sent, and takes so many values more.
  void accept(call& c, std::int64_t items);
  /// From the caller: it has taken so many items.
  void taken(call& c, std::int64_t items);
  /// From the caller: anything but that.
  void from_caller(call& c, kind what, const members& m);

 private:
  void from_callee(call& c, kind what, const members& m);
  void on_item(call& c, const members& m);
  void on_accept(call& c, const members& m);
  void on_credit(call& c, const members& m);
  void on_send(call& c, const members& m);
  void on_throw(call& c, const members& m);
  void on_end(call& c);

  /// Hands an item to whoever has called.
  bool pass_down(call& c, std::string_view raw_value, std::string_view raw_cursor);
  bool gather(call& c, std::string_view raw_value);
  /// To the callee: so much more may come.
  void tell_credit(call& c);
  /// To the caller: so many values more may come.
  void accept_more(call& c);
  void tell_accept(call& c, const proto::stream_grant& more);
  /// Tells whoever works on it, if that is another connection; `write` sets the members. False when the
  /// stream has ended with that.
  template <class Write>
  bool to_callee(call& c, kind what, Write&& write);
  /// What of the connection's output this stream may take, in each direction: many share it.
  std::int64_t window_down(const call& c) const;
  std::int64_t window_up(const call& c) const;
  std::int64_t share(std::size_t budget, std::size_t count) const;
  /// May so many bytes go out to it, with which no more than `most` wait? No stream is a connection's end.
  std::optional<rpc_error> check_room(const link_entry& entry, std::size_t bytes, std::size_t most);
  std::optional<rpc_error> check_room_for(kind what, const members& m, const link_entry& callee);
  void drained(call& c, bool downwards);
  /// Waits until the connection's output has drained.
  void stall(link_entry& entry, call& c, bool downwards);

  /// Its caller has closed its side: is it there still, and will it never grant more?
  /// False when the stream has ended with that.
  bool doubt_caller(call& c);
  void fail(call& c, const rpc_error& error);
  void fail_over_credit(call& c, std::string_view who);
  void fail_invalid(call& c, std::string_view what);
  void fail_repeated(call& c, std::string_view message, const members& m);
  void complain_unmatched();

  /// So many items may be on their way to a node that gathers them.
  static constexpr std::int64_t gathered_at_a_time = 256;
  /// Kept for as long as the stream, so they are small.
  static constexpr std::size_t longest_cursor = 1024;

  router_site& site_;
  links& links_;
  outbox& outbox_;
  attempts& attempts_;
  calls& calls_;
};

}  // namespace weft
