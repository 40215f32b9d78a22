// What a process without a listener is sent: its connection to a node, and work from other threads.
#pragma once

#include <functional>
#include <string>
#include <utility>

#include <sys/socket.h>

#include "actors/messages/keys.hpp"
#include "actors/runtime/actor_message.hpp"

namespace weft {

class router;

/// From the uplink actor: a connection that it has dialled to a node, as a client or a service. The router
/// introduces itself with `connect` and answers with `link_changed`.
class adopt_uplink final : public actor_message {
 public:
  adopt_uplink(int dialled, const sockaddr_storage& to, std::string params,
               caf::strong_actor_ptr uplink) noexcept
      : actor_message(type::adopt_uplink),
        descriptor(dialled),
        address(to),
        raw_introduction(std::move(params)),
        dialler(std::move(uplink)) {}
  ~adopt_uplink() override;
  int descriptor;
  sockaddr_storage address;
  /// The params of `connect`, as JSON.
  std::string raw_introduction;
  caf::strong_actor_ptr dialler;
};

/// From any thread: work that the router does in its turn. Dropped, with what it holds, when the router has
/// ended.
class posted_work final : public actor_message {
 public:
  using function = std::move_only_function<void(router*)>;
  explicit posted_work(function what) noexcept : actor_message(type::posted_work), run(std::move(what)) {}
  function run;
};

inline void post(const caf::strong_actor_ptr& to, posted_work::function work) {
  to->enqueue(caf::mailbox_element_ptr(make_actor_message<posted_work>(std::move(work)).release()), nullptr);
}

}  // namespace weft
