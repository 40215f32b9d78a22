// The router's side of a process that is no node: its connection to one, as a client or a service. It is
// dialled by an uplink actor and introduced here; calls of the process go over the newest one, and wait while
// there is none.
#pragma once

#include <string>
#include <vector>

#include "actors/coro/completion.hpp"
#include "actors/coro/scope.hpp"
#include "actors/coro/task.hpp"
#include "actors/messages/router_messages.hpp"
#include "actors/router/connections.hpp"

namespace weft {

class uplinks {
 public:
  uplinks(router_site& site, connections& entries, coro::scope& tasks) noexcept
      : site_(site), connections_(entries), tasks_(tasks) {}

  void on_adopt(adopt_uplink& message);
  /// Its node drains: the next calls go over another connection, those under way finish.
  void on_goaway(connection_entry& entry);
  void on_gone(const connection_entry& entry);

  /// Until there is a connection, or `at_most` is over.
  static coro::task<void> wait(uplinks* self, coro::cancel_scope at_most);

 private:
  class waiting;

  static coro::task<void> introduce(uplinks* self, connection_key key, std::string raw_params);
  void on_introduced(connection_entry& entry, const json_result& answer);
  void give_up(connection_entry& entry, std::string why, std::int32_t code);

  router_site& site_;
  connections& connections_;
  coro::scope& tasks_;
  std::vector<coro::completion<void>*> waiting_;
};

}  // namespace weft
