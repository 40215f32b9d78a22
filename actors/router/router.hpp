// The router of one reactor: knows its connections, runs or forwards what they ask for, matches answers to
// calls, keeps deadlines, carries cancellations.
//
// Connections send it batches, one per read; it answers with batches, one per connection and turn. A method
// that can answer at once is answered into the outgoing batch without a record or an allocation; everything
// else gets a `call`.
//
// What it does is done by its parts (parts.hpp wires them), which know only those before them; here is who
// gets which message.
//
// Thread safety: pinned to its reactor; others send it messages. The routing table and the service host are
// immutable.
#pragma once

#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "actors/router/parts.hpp"

namespace weft {

class router final : public pinned_actor, private call_owner {
 public:
  router(caf::actor_config& config, reactor& home, reactor_resources& shared, router_environment environment);
  ~router() override;

  const char* name() const override { return "router"; }

  const node_options& options() const noexcept { return site_.options; }
  coro::executor& executor() const noexcept { return home(); }

  /// Calls and notifications that coroutines of this process make.
  outgoing& own_calls() noexcept { return work_.outgoing; }
  /// The connection to the node that this process is a client or a service of, while there is one.
  const std::optional<connection_key>& uplink() const noexcept { return site_.uplink; }
  /// Must a call of the method wait for that connection?
  bool lacks_uplink(std::string_view method) const {
    return site_.environment.has_uplink && !site_.uplink && work_.handlers.find(method) == nullptr;
  }
  coro::task<void> uplink_up(coro::cancel_scope at_most) {
    return uplinks::wait(&in_.uplinks, std::move(at_most));
  }

  // -- for work that others post
  void spawn(coro::task<void> task) { tasks_->spawn(std::move(task)); }
  /// Is it a method of this process?
  bool serves(std::string_view method) const { return work_.handlers.find(method) != nullptr; }
  /// Becomes false when the connection ends; null when it has.
  std::shared_ptr<const std::atomic<bool>> alive(connection_key key);
  std::size_t index() const noexcept { return site_.index(); }
  /// Who may do what from now on, and what this node presents to those that it has dialled.
  void change_access(std::shared_ptr<const access_policy> policy);
  void change_peer_token(const std::string& token);
  /// A task of the process has failed and nobody was told.
  void on_task_failed(std::string_view what) noexcept;

 private:
  friend struct router_site;

  // -- pinned_actor
  void receive(actor_message& message) override;
  void end_of_turn() override;
  void on_terminate() override;
  /// One message fails, the router goes on: everything on this reactor depends on it.
  void on_exception(std::string_view what) noexcept override;
  // -- call_owner
  void on_call_timer(call& c) override;

  void on_batch(inbound_batch& batch);
  void on_closed(const connection_closed& message);
  void on_remote(remote_calls& message);
  void on_snapshot(snapshot_message& message);
  void on_inspect(inspect_message& message);
  void on_drain(const drain_message& message);
  void measure_wait(coro::clock::time_point since);
  void confirm_registrations();
  void flush_outside_turn();

  router_site site_;
  /// Ended before any part that its frames refer to.
  std::optional<coro::scope> tasks_;
  output_parts out_{site_};
  call_parts work_{site_, out_, *tasks_};
  input_parts in_{site_, out_, work_, *tasks_};
  bool in_turn_ = false;
  bool inspected_ = false;
  /// Registrations for which this router has the new table, once its output of this turn is sent.
  std::vector<std::shared_ptr<registration>> in_force_;
};

}  // namespace weft
