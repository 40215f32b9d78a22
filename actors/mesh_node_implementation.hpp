// What a node is made of; for mesh_node.cpp, which starts it, mesh_node_end.cpp, which ends it, and
// mesh_node_report.cpp, which tells of it.
#pragma once

#include <atomic>
#include <csignal>
#include <future>
#include <iterator>
#include <mutex>
#include <stdexcept>
#include <system_error>
#include <thread>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <pthread.h>
#include <spdlog/spdlog.h>

#include "actors/mesh_node.hpp"
#include "actors/methods/method_pattern.hpp"
#include "actors/peers/peer_manager.hpp"
#include "actors/peers/uplink.hpp"
#include "actors/registry/messages.hpp"
#include "actors/registry/state.hpp"
#include "actors/router/router.hpp"
#include "actors/runtime/interruptible_wait.hpp"
#include "actors/service/loops.hpp"
#include "actors/service/node_methods.hpp"
#include "actors/transport/acceptor.hpp"
#include "actors/transport/handshaker.hpp"
#include "actors/transport/network.hpp"
#include "actors/transport/reactor_resources.hpp"

namespace weft {

using std::chrono::milliseconds;
using steady = std::chrono::steady_clock;

template <class T>
void tell(const caf::strong_actor_ptr& to, message_pointer<T> message) {
  if (to) to->enqueue(caf::mailbox_element_ptr(message.release()), nullptr);
}

/// What its actors refer to: outlives them.
struct shared_state {
  std::map<std::string, std::shared_ptr<admission_state>> admissions;
  node_counters counters;
  metrics registry_counts;
  std::shared_ptr<shared_document> document = std::make_shared<shared_document>();
  std::shared_ptr<std::atomic<std::int64_t>> blocking = std::make_shared<std::atomic<std::int64_t>>(0);
};

/// What runs between start and stop. Reactors outlive the actors, which live in the actor system's
/// bookkeeping and in each other.
struct running_state {
  std::vector<std::unique_ptr<reactor_resources>> reactors;
  std::optional<caf::actor_system> system;
  std::vector<caf::strong_actor_ptr> routers;
  caf::strong_actor_ptr uplink;
  caf::strong_actor_ptr peers;
  std::vector<caf::strong_actor_ptr> accepting;
  /// One for each router, when something listens on tls://.
  std::vector<caf::strong_actor_ptr> handshakers;
  caf::actor registry;
  std::vector<std::thread> threads;
};

/// What each router has told last.
struct known_reports {
  std::mutex mutex;
  std::vector<router_report> last;
};

/// What to do when an actor ends that the node cannot do without, unless the node itself ends.
struct failure_watch {
  std::atomic<bool> ending{false};
  std::function<void()> act;
};

struct mesh_node::implementation {
  implementation(node_options from, service_host methods, std::shared_ptr<spdlog::logger> logger,
                 call_sinks records, std::optional<uplink_task> to_node)
      : options(std::move(from)),
        services(std::move(methods)),
        log(std::move(logger)),
        sinks(std::move(records)),
        uplink_to(std::move(to_node)),
        config(scheduler_config(options)) {}

  static caf::actor_system_config scheduler_config(const node_options& options);
  std::expected<void, std::string> start();
  void spawn_actors();
  std::expected<std::vector<listening_socket>, std::string> listen_on_all();
  void spawn_acceptors(std::vector<listening_socket> listeners);
  /// Nobody is accepted any more.
  void stop_accepting();
  void spawn_uplink();
  void start_threads();
  void spawn_peers(const std::vector<opened_source>& sources);
  registry_environment describe_node();
  void supervise(const char* name, const caf::actor& actor);
  bool drain();
  bool let_services_move(steady::time_point at_most);
  void stop();
  /// Empty when the router does not answer in time.
  std::optional<router_report> ask_now(std::size_t reactor_index, bool connections) const;
  /// The router's report, or its last one when it does not answer in time.
  router_report ask(std::size_t reactor_index, bool connections);
  template <class Answer, class Query>
  std::optional<Answer> ask_registry(Query query) const;
  /// What all routers together have to do.
  struct load {
    std::size_t in_flight = 0;
    std::size_t introduced = 0;
    std::int64_t last_request_ns = 0;
  };
  std::optional<load> ask_load() const;

  node_options options;
  service_host services;
  std::shared_ptr<spdlog::logger> log;
  call_sinks sinks;
  std::optional<uplink_task> uplink_to;
  caf::actor_system_config config;
  std::vector<net_address> listen;
  shared_state shared;
  running_state run;
  known_reports reports;
  interruptible_wait pause;
  failure_watch failure;
};

template <class Answer, class Query>
std::optional<Answer> mesh_node::implementation::ask_registry(Query query) const {
  constexpr milliseconds timeout{5'000};
  std::optional<Answer> result;
  if (!run.registry) return result;
  const caf::scoped_actor self(const_cast<caf::actor_system&>(*run.system), true);
  self->request(run.registry, timeout, query)
      .receive([&](Answer& answer) { result = std::move(answer); }, [](caf::error&) {});
  return result;
}

}  // namespace weft
