#include "actors/router/router.hpp"

#include <algorithm>
#include <utility>

#include <spdlog/spdlog.h>
#include <unistd.h>

namespace weft {

using coro::clock;

adopt_socket::~adopt_socket() {
  if (descriptor >= 0) ::close(descriptor);
}

adopt_link::~adopt_link() {
  if (descriptor >= 0) ::close(descriptor);
}

adopt_uplink::~adopt_uplink() {
  if (descriptor >= 0) ::close(descriptor);
}

caf::strong_actor_ptr router_site::handle() const {
  return caf::actor_cast<caf::strong_actor_ptr>(&self);
}

void router_site::flush_outside_turn() const {
  self.flush_outside_turn();
}

void router::flush_outside_turn() {
  if (!in_turn_) end_of_turn();
}

// An empty message brings a turn about.
void router_site::flush_behind() {
  if (!std::exchange(turn_comes, true)) send(handle(), shared.outbound.take());
}

router::router(caf::actor_config& config, reactor& home, reactor_resources& shared,
               router_environment environment)
    : pinned_actor(config, home),
      site_(*this, *this, home, shared, std::move(environment)),
      tasks_(std::in_place, home, [log = shared.log](const std::exception_ptr&) {
        log->error("an exception left a root coroutine; this is a bug of the node");
      }) {
  auto empty = std::make_shared<routing_table>();
  empty->settled = shared.options.mesh.peers.empty();
  site_.routes = std::move(empty);
  home.metrics().add(metric::actors_router);
}

// Frames of coroutines refer to every part.
router::~router() {
  tasks_.reset();
}

void router::receive(actor_message& message) {
  using type = actor_message::type;
  in_turn_ = true;
  switch (message.what()) {
    case type::inbound_batch:
      return on_batch(static_cast<inbound_batch&>(message));
    case type::connection_closed:
      return on_closed(static_cast<connection_closed&>(message));
    case type::adopt_socket: {
      auto& socket = static_cast<adopt_socket&>(message);
      site_.metrics().add(metric::tcp_opened);
      const bool over_tls = socket.session != nullptr;
      auto& entry =
          out_.connections.add(std::exchange(socket.descriptor, -1), socket.address,
                               connection_entry::role::client, site_.handle(), std::move(socket.session));
      if (over_tls) in_.gate.recognize(entry);
      return;
    }
    case type::adopt_link:
      return in_.node_links.on_adopt(static_cast<adopt_link&>(message));
    case type::adopt_uplink:
      return in_.uplinks.on_adopt(static_cast<adopt_uplink&>(message));
    case type::posted_work:
      return static_cast<posted_work&>(message).run(this);
    case type::retire_link:
      return in_.node_links.on_retire(static_cast<retire_link&>(message));
    case type::refuse_link:
      return in_.node_links.on_refuse(static_cast<refuse_link&>(message));
    case type::probe_link:
      return in_.node_links.on_probe(static_cast<probe_link&>(message));
    case type::remote_calls:
      return on_remote(static_cast<remote_calls&>(message));
    case type::blocking_done:
      return work_.handlers.on_blocking_done(static_cast<blocking_done&>(message));
    case type::send:
      return in_.node_links.on_send(static_cast<send_message&>(message));
    case type::registered:
      return in_.session.on_registered(static_cast<registered_message&>(message));
    case type::output_drained:
      if (auto* entry = out_.connections.find(static_cast<output_drained&>(message).from)) {
        work_.streams.on_drained(*entry);
        out_.connections.release_held_back(*entry);
      }
      return;
    case type::unfinished_frames:
      return out_.connections.cut_unfinished();
    case type::snapshot:
      return on_snapshot(static_cast<snapshot_message&>(message));
    case type::room:
      return work_.admitter.on_permit(static_cast<permit_message&>(message));
    case type::inspect:
      return on_inspect(static_cast<inspect_message&>(message));
    case type::drain:
      return on_drain(static_cast<drain_message&>(message));
    case type::close:
      return terminate();
    default:
      return;
  }
}

void router::end_of_turn() {
  if (work_.permits.waiting().any_freed()) work_.admitter.offer();
  in_turn_ = false;
  site_.turn_comes = false;
  site_.metrics().set(metric::router_queue, messages_in_turn());
  out_.records.observe_turn();
  if (inspected_ || out_.records.stats().crowded()) [[unlikely]] {
    inspected_ = false;
    out_.records.sweep();
  }
  out_.connections.flush();
  out_.outbox.flush();
  if (!in_force_.empty()) confirm_registrations();
}

// Behind what was sent with the table before.
void router::confirm_registrations() {
  for (const auto& done : in_force_) {
    if (done->missing.fetch_sub(1, std::memory_order_acq_rel) != 1) continue;
    site_.send((*site_.environment.routers)[done->reactor_index],
               make_actor_message<registered_message>(done->ticket, std::move(done->refusal)));
  }
  in_force_.clear();
}

void router::on_terminate() {
  tasks_.reset();
  out_.records.finish();
  out_.connections.close();
  site_.metrics().add(metric::actors_router, -1);
}

void router::on_exception(std::string_view what) noexcept {
  site_.metrics().add(metric::actor_failures);
  site_.shared.log->error("router {}: {}", site_.index(), what);
}

std::shared_ptr<const std::atomic<bool>> router::alive(connection_key key) {
  auto* entry = out_.connections.find(key);
  if (entry == nullptr) return nullptr;
  if (!entry->watchers.alive) entry->watchers.alive = std::make_shared<std::atomic<bool>>(true);
  return entry->watchers.alive;
}

void router::change_access(std::shared_ptr<const access_policy> policy) {
  in_.gate.change(std::move(policy));
  flush_outside_turn();
}

void router::change_peer_token(const std::string& token) {
  in_.node_links.present(token);
}

void router::on_task_failed(std::string_view what) noexcept {
  site_.metrics().add(metric::task_failures);
  site_.shared.log->error("a task has failed: {}", what);
}

void router::on_batch(inbound_batch& batch) {
  auto& metrics = site_.metrics();
  metrics.add(metric::router_batches);
  // One look at the clock per batch would be a noticeable part of a small one.
  constexpr std::int64_t sampled = 64;
  if (metrics.get(metric::router_batches) % sampled == 0) measure_wait(batch.received);
  metrics.add(metric::router_items, static_cast<std::int64_t>(batch.items.size()));
  if (!batch.groups.empty()) metrics.add(metric::batches, static_cast<std::int64_t>(batch.groups.size()));
  in_.inbound.on_batch(batch);
}

void router::measure_wait(clock::time_point since) {
  site_.metrics().add(metric::router_waits);
  site_.metrics().add(metric::router_wait_ns, std::max<std::int64_t>(0, (clock::now() - since).count()));
}

void router::on_closed(const connection_closed& message) {
  auto* entry = out_.connections.find(message.from);
  if (entry == nullptr) return;
  if (entry->watchers.dialler) {
    const auto* session = entry->transport->session();
    const bool explained = session != nullptr && !session->error().empty();
    const std::string how(explained ? session->error() : std::string(weft::to_string(message.reason)));
    auto down = make_actor_message<link_changed>(
        false, entry->key(),
        entry->state.goaway_reason.empty() ? how : entry->state.goaway_reason + " (" + how + ")");
    down->conflict = entry->state.conflict;
    site_.send(entry->watchers.dialler, std::move(down));
  }
  in_.uplinks.on_gone(*entry);
  in_.session.on_gone(*entry);
  work_.upstream.on_connection_lost(*entry, message.reason);
  work_.book.cancel_all_of(*entry);
  out_.connections.remove(*entry);
}

void router::on_call_timer(call& c) {
  if (site_.now() >= c.asked.deadline) {
    work_.upstream.on_deadline(c);
  } else if (c.paused == call::pause::queue) {
    work_.book.waited_too_long(c);
  } else if (c.paused == call::pause::retry) {
    work_.upstream.resume(c);
  } else if (c.paused == call::pause::hedge) {
    work_.upstream.start_hedge(c);
  } else if (c.paused == call::pause::cancel) {
    work_.book.on_late_cancellation(c);
  } else if (c.paused == call::pause::half_closed) {
    work_.streams.end_ungranted(c);
  }
  flush_outside_turn();
}

void router::on_remote(remote_calls& message) {
  measure_wait(message.sent);
  message.keep_in(site_.shared.remote);
  for (auto& item : message.items()) in_.remote.on_item(item);
}

void router::on_snapshot(snapshot_message& message) {
  out_.records.forget_routes();
  site_.routes = std::move(message.routes);
  std::ranges::move(message.registrations, std::back_inserter(in_force_));
  // An instance may have come that has room.
  work_.permits.waiting().offer_all();
  work_.upstream.move_streams();
}

void router::on_inspect(inspect_message& message) {
  router_report report;
  inspected_ = true;
  if (message.connections) report.connections = out_.connections.describe();
  out_.records.report(report);
  report.in_flight = work_.book.awaited();
  out_.connections.for_each_open([&](const connection_entry& entry) {
    report.introduced += entry.state.introduced ? 1 : 0;
    report.pending_output_bytes += entry.transport->status().pending_output;
  });
  report.last_request_ns = in_.inbound.last_request_ns();
  message.report.set_value(std::move(report));
}

void router::on_drain(const drain_message& message) {
  if (!message.finish) return in_.session.drain(message.deadline);
  work_.streams.end_all();
  out_.connections.for_each_open([&](connection_entry& entry) {
    out_.connections.release_held_back(entry, true);
    out_.connections.output(entry).finish = true;
  });
  out_.records.finish();
}

}  // namespace weft
