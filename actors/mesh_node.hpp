// A whole node: reactors, routers, registry, peers and the service host, wired together.
//
// Thread safety: every member function may be called from any thread; snapshots wait for the reactors with a
// bound of one second and leave out a reactor that does not answer.
#pragma once

#include <chrono>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <caf/actor_control_block.hpp>
#include <nlohmann/json.hpp>

#include "actors/config/options.hpp"
#include "actors/peers/uplink_task.hpp"
#include "actors/telemetry/call_record.hpp"
#include "actors/telemetry/snapshot.hpp"

namespace spdlog {
class logger;
}

namespace weft {

class service_host;

class mesh_node {
 public:
  /// With an `uplink` the process is no node but a client or a service of one: it does not listen, has no
  /// peers, and what it does not serve itself it calls at that node.
  /// `services` are the methods this process serves itself; they are complete before `start`.
  /// `sinks` get the records of its calls, until `stop`.
  mesh_node(node_options options, service_host services, std::shared_ptr<spdlog::logger> log,
            call_sinks sinks = {}, std::optional<uplink_task> uplink = {});
  /// Stops at once; call `drain` first for a graceful end.
  ~mesh_node();
  mesh_node(const mesh_node&) = delete;
  mesh_node& operator=(const mesh_node&) = delete;

  /// Binds, listens and dials the peers. On failure the sentence says what was wrong.
  std::expected<void, std::string> start();

  const std::string& id() const noexcept;
  /// The first listening address, with its real port, also when 0 was asked for.
  host_port listen_address() const;
  const std::vector<net_address>& listen_addresses() const noexcept;

  /// The routers, by reactor; work may be posted to them until `stop`. Empty before `start`.
  const std::vector<caf::strong_actor_ptr>& routers() const noexcept;

  /// Readiness becomes false, everyone introduced gets `$/goaway`, no connection is accepted any more;
  /// returns when nothing is in flight or after the drain timeout. True when everything finished.
  bool drain();
  /// Makes a `drain` that another thread waits in return at once.
  void abort_drain();
  /// Waits for blocking handlers that still run.
  void stop();
  /// In the place of what the options say, from now on and also for the connections that there are: who may
  /// do what, and what this node presents to its peers. A node without an access policy gets none this way.
  void change_access(const std::shared_ptr<const access_policy>& policy);
  void change_peer_token(const std::string& token);
  /// Called from any thread when an actor has ended that the node cannot do without. Set before `start`.
  void on_failure(std::function<void()> act);
  /// Which reactor has not turned its loop for 5 s, as a sentence; empty when all live.
  std::string stalled() const;
  /// Blocking handlers that run or wait for a thread.
  std::int64_t blocking_calls() const;

  std::vector<readiness_check> readiness() const;
  nlohmann::json connections() const;
  /// Throws std::runtime_error when the registry does not answer in time.
  nlohmann::json peers() const;
  nlohmann::json methods() const;
  /// Method by method: which instances, in what state. Throws as `peers` does.
  nlohmann::json routes() const;
  metrics_snapshot metrics() const;

 private:
  struct implementation;
  std::unique_ptr<implementation> impl_;
};

}  // namespace weft
