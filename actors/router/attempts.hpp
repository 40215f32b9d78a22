// Attempts of calls: sent to a connection of this reactor or to the router of another one, cancelled, and
// taken off who they were sent to.
#pragma once

#include <optional>
#include <string_view>

#include "actors/router/outbox.hpp"
#include "actors/router/permits.hpp"

namespace weft {

class attempts {
 public:
  attempts(router_site& site, connections& entries, outbox& others, permits& limited) noexcept
      : site_(site), connections_(entries), outbox_(others), permits_(limited) {}

  // -- sending: each says why it failed, if it did
  /// The call's request, with what is left of its time.
  std::optional<rpc_error> send(attempt& a, const endpoint& to);
  /// The call's request as it stands, to one certain connection.
  std::optional<rpc_error> send_direct(attempt& a, const connection_address& to);
  /// A request whose id lies at `id`.
  std::optional<rpc_error> send_to_here(attempt& a, connection_key to, std::string_view text, text_span id);
  /// A notification, which is dropped when the connection takes nothing now.
  void notify(const connection_address& to, std::string_view text);

  /// Tells whoever works on it. `awaited`: the caller still waits for the answer to the cancellation.
  void cancel(attempt& a, bool awaited = false);
  /// Whoever works on it was told before, and now nobody waits for the answer either.
  void abandon(attempt& a);
  /// The attempt is over: it counts neither against the callee nor against a limit.
  void detach(attempt& a);

 private:
  std::int64_t left_ms(const call& c) const;
  /// From now on the callee's connection is where the attempt's answer comes from.
  void attach(attempt& a, connection_entry& callee, std::size_t output_bytes);
  remote_item& send_away(attempt& a, const connection_address& to);

  router_site& site_;
  connections& connections_;
  outbox& outbox_;
  permits& permits_;
};

}  // namespace weft
