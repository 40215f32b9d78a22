// Calls to instances, here and on other nodes: which one, when it is tried again or twice at once, and what
// its answer comes to.
//
// The way of a call: forward → dispatch → (wait for a permit) → send → on_response | on_failed → (retry) →
// settle.
#pragma once

#include <string_view>

#include "actors/balance/hedging.hpp"
#include "actors/balance/picker.hpp"
#include "actors/router/retries.hpp"
#include "actors/router/streams.hpp"
#include "actors/router/verdicts.hpp"

namespace weft {

class upstream {
 public:
  upstream(router_site& site, connections& entries, records& told, permits& limited, attempts& tries,
           calls& book, streams& flows);

  /// `serving` is null while this node still learns who serves what.
  void forward(request& r, const route* serving);
  /// A call of this process; its request is made.
  void begin(call& c);
  /// It waited: for another try, or for a permit that may be there now. False when it goes on waiting.
  bool resume(call& c);
  /// To one certain connection, with nobody to try instead.
  void send_direct(call& c, const connection_address& to);
  /// The second leg of an attempt of another reactor.
  void send_to_here(call& c, connection_key to, std::string_view text, text_span id);
  /// A notification of a coroutine of this process.
  void notify_instance(std::string_view text, const route& serving, std::string_view raw_route_key);

  // -- ends of attempts
  void on_response(attempt& a, const proto::envelope& response);
  /// No response: it could not be sent, or was lost.
  void on_failed(attempt& a, rpc_error error);
  /// Its stream has ended at the callee's reactor, through no fault of the instance.
  void on_broken(attempt& a, const rpc_error& error);
  void on_connection_lost(connection_entry& entry, close_reason why);
  /// Other instances may be known now, or the one of a stream about to go.
  void move_streams();
  void on_deadline(call& c);
  /// The time that most calls take is over.
  void start_hedge(call& c);

 private:
  void notify_instance(request& r, const route& serving, bool local_only);
  /// For a notification.
  const endpoint* pick_unheard(const route& serving, std::string_view raw_route_key, bool local_only);
  void dispatch(call& c, const route* serving);
  void dispatch_unknown(call& c);
  void no_instance(call& c);
  const endpoint* pick(const route& serving, const call& c);
  bool any_usable(const route& serving, bool local_only);

  void send(call& c, attempt& a, const endpoint& e, const route& serving);
  void arm_hedge(call& c, const route& serving);
  /// Nobody answers for the attempt any more; how it went counts for its instance.
  void end(attempt& a, std::int32_t code);
  bool retry(call& c, const rpc_error& error);
  bool should_move(const call& c);
  /// The instance was asked to end a stream that is to go on elsewhere, and has.
  void on_moved(attempt& a);
  void pause(call& c, call::pause why, coro::clock::time_point until);

  router_site& site_;
  connections& connections_;
  records& records_;
  permits& permits_;
  attempts& attempts_;
  calls& calls_;
  streams& streams_;
  picker picker_;
  retries retries_{site_, picker_.random()};
  hedging hedging_;
  verdicts verdicts_{site_, connections_, hedging_, picker_.random()};
};

}  // namespace weft
