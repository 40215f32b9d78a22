// What connections bring: batches of messages, one after the other through the checks that each request
// passes, to the session, a handler of this process, or an instance elsewhere.
#pragma once

#include <string>
#include <string_view>

#include "actors/router/handlers.hpp"
#include "actors/router/request_checks.hpp"
#include "actors/router/session.hpp"
#include "actors/router/time_slice.hpp"
#include "actors/router/upstream.hpp"

namespace weft {

class inbound {
 public:
  inbound(router_site& site, connections& entries, answers& replies, records& told, calls& book,
          upstream& instances, streams& flows, handlers& own, session& control, gatekeeper& gate) noexcept
      : site_(site),
        connections_(entries),
        answers_(replies),
        records_(told),
        calls_(book),
        upstream_(instances),
        streams_(flows),
        handlers_(own),
        session_(control),
        gate_(gate) {}

  void on_batch(inbound_batch& batch);
  /// When the last request came that was no control message; since the epoch of the clock.
  std::int64_t last_request_ns() const noexcept { return last_request_ns_; }

 private:
  /// The JSON-RPC batch that is being taken apart.
  struct open_batch {
    std::int32_t index = -1;
    batch_answers* group = nullptr;
    std::uint32_t part = 0;
  };

  void look_at(connection_entry& entry, inbound_item& item, open_batch& of, coro::clock::time_point received);
  void on_item(connection_entry& entry, inbound_item& item, open_batch& of, coro::clock::time_point received);
  void on_request(connection_entry& entry, proto::envelope& message, const answer_target& target,
                  coro::clock::time_point received);
  void on_response(connection_entry& entry, const proto::envelope& message);
  /// Why a link is refused before it is introduced.
  static void heed(connection_entry& entry, const proto::envelope& message);
  void on_rejected(connection_entry& entry, const inbound_item& item);
  void on_invalid(connection_entry& entry, const proto::envelope& message, const answer_target& target);
  /// True when it named a call under way, which has ended with that.
  bool on_malformed_response(connection_entry& entry, std::string_view raw_id, std::string_view why);
  void on_broken_stream(connection_entry& entry, proto::frame_error error);
  /// Everything from this item on comes again once the output has room.
  void put_back(connection_entry& entry, inbound_batch& batch, std::size_t from);
  void end_resumed(connection_entry& entry);

  router_site& site_;
  connections& connections_;
  answers& answers_;
  records& records_;
  calls& calls_;
  upstream& upstream_;
  streams& streams_;
  handlers& handlers_;
  session& session_;
  gatekeeper& gate_;
  std::string name_scratch_;
  std::int64_t last_request_ns_ = 0;
};

}  // namespace weft
