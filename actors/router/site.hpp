// What every part of a router works with: its reactor, its node, and the routing table of the moment.
//
// A router is made of parts, each a class of its own in a file of its own, that know only the parts before
// them; parts.hpp has their order.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <caf/actor.hpp>
#include <caf/send.hpp>

#include "actors/admission/usage.hpp"
#include "actors/registry/routing_table.hpp"
#include "actors/telemetry/call_record.hpp"
#include "actors/transport/reactor_resources.hpp"
#include "proto/error.hpp"

namespace weft {

class call_owner;
class router;
class service_host;

/// Fixed parts of a node that its routers use.
struct router_environment {
  const service_host* services = nullptr;
  /// The permits of the limited ones among them, by name.
  const std::map<std::string, std::shared_ptr<admission_state>>* admissions = nullptr;
  caf::actor_system* system = nullptr;
  /// All routers of the node by reactor, and its registry: both complete before the reactors start.
  const std::vector<caf::strong_actor_ptr>* routers = nullptr;
  std::size_t reactors = 1;
  const caf::actor* registry = nullptr;
  call_sinks sinks;
  /// Blocking handlers of the whole node, and those that each identity has of them.
  std::shared_ptr<node_count> blocking_calls = std::make_shared<node_count>(0);
  std::shared_ptr<identity_counts> identities = std::make_shared<identity_counts>();
  /// This process is no node but a client or a service of one.
  bool has_uplink = false;
  /// It has told the node that it serves something.
  bool uplink_serves = false;
};

struct router_site {
  router_site(router& of, call_owner& told, reactor& loop, reactor_resources& on, router_environment about)
      : self(of),
        timers(told),
        home(loop),
        shared(on),
        options(on.options),
        environment(std::move(about)),
        access(on.options.auth.policy) {}

  coro::clock::time_point now() const noexcept { return home.now(); }
  weft::metrics& metrics() const noexcept { return home.metrics(); }
  std::size_t index() const noexcept { return home.index(); }
  std::size_t router_count() const noexcept { return environment.reactors; }

  template <class Message>
  void send(const caf::strong_actor_ptr& to, std::unique_ptr<Message, caf::detail::disposer> message) const {
    to->get()->enqueue(caf::mailbox_element_ptr(message.release()), &home);
  }
  template <class Message>
  void tell_registry(Message message) const {
    caf::anon_send(*environment.registry, std::move(message));
  }

  /// The router, for messages to it.
  caf::strong_actor_ptr handle() const;
  /// What coroutines and timers have queued between turns goes out now, not with the next message.
  void flush_outside_turn() const;
  /// As soon as whoever queues something now lets go of the thread: nothing else tells when that is.
  void flush_behind();

  rpc_error unavailable(std::string message, executed ran) const {
    return make_mesh_error(error_code::unavailable, std::move(message), ran, options.id);
  }
  rpc_error exhausted(std::string message, executed ran, std::int64_t retry_after_ms = -1) const {
    return make_mesh_error(error_code::resource_exhausted, std::move(message), ran, options.id,
                           retry_after_ms);
  }

  /// For contexts of handlers.
  router& self;
  /// Is told of the timers of calls.
  call_owner& timers;
  reactor& home;
  reactor_resources& shared;
  const node_options& options;
  router_environment environment;
  /// Who may do what, at the moment; null without an access policy.
  std::shared_ptr<const access_policy> access;
  std::shared_ptr<const routing_table> routes;
  /// To the node that this process is a client or a service of, while there is one.
  std::optional<connection_key> uplink;
  /// A turn of the router's comes, and with it a flush.
  bool turn_comes = false;
};

}  // namespace weft
