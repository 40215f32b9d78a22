#include "actors/router/router.hpp"

#include <algorithm>
#include <utility>

#include <spdlog/spdlog.h>
#include <unistd.h>

namespace weft {
namespace {

std::string notification_of(std::string_view method, std::string_view raw_params, const weft::context& ctx) {
  std::string text;
  proto::append_request(text, {}, method, raw_params,
                        {-1, ctx.raw_traceparent(), ctx.raw_tracestate(), ctx.raw_route_key()});
  return text;
}

}  // namespace

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

router::router(caf::actor_config& config, reactor& home, shard& shared, router_environment environment)
    : pinned_actor(config, home),
      site_(*this, *this, home, shared, std::move(environment)),
      tasks_(std::in_place, home,
             [log = shared.log](const std::exception_ptr&) {
               log->error("an exception left a root coroutine; this is a bug of the node");
             }),
      handlers_(site_, answers_, records_, permits_, calls_, streams_, blocking_, *tasks_),
      node_links_(site_, links_, *tasks_),
      uplinks_(site_, links_, *tasks_) {
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
      links_.add(std::exchange(socket.descriptor, -1), socket.address, link_entry::role::client,
                 site_.handle());
      return;
    }
    case type::adopt_link:
      return node_links_.on_adopt(static_cast<adopt_link&>(message));
    case type::adopt_uplink:
      return uplinks_.on_adopt(static_cast<adopt_uplink&>(message));
    case type::posted_work:
      return static_cast<posted_work&>(message).run(this);
    case type::retire_link:
      return node_links_.on_retire(static_cast<retire_link&>(message));
    case type::refuse_link:
      return node_links_.on_refuse(static_cast<refuse_link&>(message));
    case type::probe_link:
      return node_links_.on_probe(static_cast<probe_link&>(message));
    case type::remote_calls:
      return on_remote(static_cast<remote_calls&>(message));
    case type::blocking_done:
      return handlers_.on_blocking_done(static_cast<blocking_done&>(message));
    case type::send:
      return node_links_.on_send(static_cast<send_message&>(message));
    case type::registered:
      return session_.on_registered(static_cast<registered_message&>(message));
    case type::output_drained:
      if (auto* entry = links_.find(static_cast<output_drained&>(message).from)) {
        streams_.on_drained(*entry);
        links_.release_held_back(*entry);
      }
      return;
    case type::unfinished_frames:
      return links_.cut_unfinished();
    case type::snapshot:
      return on_snapshot(static_cast<snapshot_message&>(message));
    case type::room:
      return admitter_.on_room(static_cast<room_message&>(message));
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
  if (permits_.waiting().any_freed()) admitter_.offer();
  in_turn_ = false;
  site_.metrics().set(metric::router_queue, messages_in_turn());
  records_.observe_turn();
  if (inspected_ || records_.stats().crowded()) [[unlikely]] {
    inspected_ = false;
    records_.sweep();
  }
  links_.flush();
  outbox_.flush();
  if (!in_force_.empty()) confirm_registrations();
}

// Behind what was sent with the table before.
void router::confirm_registrations() {
  for (const auto& done : in_force_) {
    if (done->missing.fetch_sub(1, std::memory_order_acq_rel) != 1) continue;
    site_.send((*site_.environment.routers)[done->shard],
               make_actor_message<registered_message>(done->ticket, std::move(done->refusal)));
  }
  in_force_.clear();
}

void router::on_terminate() {
  tasks_.reset();
  records_.finish();
  links_.close();
  site_.metrics().add(metric::actors_router, -1);
}

void router::on_exception(std::string_view what) noexcept {
  site_.metrics().add(metric::actor_failures);
  site_.shared.log->error("router {}: {}", site_.index(), what);
}

void router::notify(connection_key to, std::string_view method, std::string_view raw_params) {
  std::string text;
  proto::append_request(text, {}, method, raw_params);
  attempts_.notify({site_.index(), to}, text);
  flush_outside_turn();
}

void router::notify_anyone(std::string_view method, std::string_view raw_params, const weft::context& ctx) {
  const auto text = notification_of(method, raw_params, ctx);
  if (site_.environment.has_uplink) {
    if (site_.uplink) attempts_.notify({site_.index(), *site_.uplink}, text);
  } else if (const auto* serving = site_.routes->find(method)) {
    upstream_.notify_instance(text, *serving, ctx.raw_route_key());
  }
  flush_outside_turn();
}

void router::notify_peer(const std::string& name, std::string_view method, std::string_view raw_params,
                         const weft::context& ctx) {
  const auto found = site_.routes->peers.find(name);
  if (found == site_.routes->peers.end() || !found->second.up) return;
  attempts_.notify(found->second.link, notification_of(method, raw_params, ctx));
  flush_outside_turn();
}

std::shared_ptr<const std::atomic<bool>> router::alive(connection_key key) {
  auto* entry = links_.find(key);
  if (entry == nullptr) return nullptr;
  if (!entry->watchers.alive) entry->watchers.alive = std::make_shared<std::atomic<bool>>(true);
  return entry->watchers.alive;
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
  inbound_.on_batch(batch);
}

void router::measure_wait(clock::time_point since) {
  site_.metrics().add(metric::router_waits);
  site_.metrics().add(metric::router_wait_ns, std::max<std::int64_t>(0, (clock::now() - since).count()));
}

void router::on_closed(const connection_closed& message) {
  auto* entry = links_.find(message.from);
  if (entry == nullptr) return;
  if (entry->watchers.dialler) {
    const std::string how(weft::to_string(message.reason));
    auto down = make_actor_message<link_changed>(
        false, entry->key(),
        entry->state.goaway_reason.empty() ? how : entry->state.goaway_reason + " (" + how + ")");
    down->conflict = entry->state.conflict;
    site_.send(entry->watchers.dialler, std::move(down));
  }
  uplinks_.on_gone(*entry);
  session_.on_gone(*entry);
  upstream_.on_connection_lost(*entry, message.reason);
  calls_.cancel_all_of(*entry);
  links_.remove(*entry);
}

void router::on_call_timer(call& c) {
  if (site_.now() >= c.asked.deadline) {
    upstream_.on_deadline(c);
  } else if (c.paused == call::pause::queue) {
    calls_.waited_too_long(c);
  } else if (c.paused == call::pause::retry) {
    upstream_.resume(c);
  } else if (c.paused == call::pause::hedge) {
    upstream_.start_hedge(c);
  } else if (c.paused == call::pause::cancel) {
    calls_.on_late_cancellation(c);
  } else if (c.paused == call::pause::half_closed) {
    streams_.end_ungranted(c);
  }
  flush_outside_turn();
}

void router::on_remote(remote_calls& message) {
  measure_wait(message.sent);
  message.keep_in(site_.shared.remote);
  for (auto& item : message.items()) on_remote_item(item);
}

void router::on_remote_item(remote_item& item) {
  switch (item.what) {
    case remote_item::type::call: {
      auto& c = calls_.open(item.origin_shard, item.origin);
      c.asked.method.swap(item.method);
      if (item.streams) streams_.open_leg(c);
      return upstream_.send_to_here(c, item.callee, item.text, {item.id_at, item.id_size});
    }
    case remote_item::type::stream:
      return streams_.on_remote(item);
    case remote_item::type::answer:
      return on_remote_answer(item);
    case remote_item::type::notification:
      return attempts_.notify({site_.index(), item.callee}, item.text);
    case remote_item::type::cancel:
    case remote_item::type::abandon:
      if (auto* c = calls_.find(item.origin_shard, item.origin)) {
        calls_.cancel(*c, coro::cancel_reason::cancelled_by_caller);
        if (item.what == remote_item::type::abandon)
          calls_.settle(*c, outcome::unawaited(error_code::request_cancelled));
      }
      return;
  }
}

void router::on_remote_answer(remote_item& item) {
  auto* a = calls_.find(item.origin);
  if (a == nullptr) return site_.metrics().add(metric::late_results);
  if (item.blameless) return upstream_.on_broken(*a, item.failure);
  if (item.text.empty()) return upstream_.on_failed(*a, std::move(item.failure));
  proto::envelope response;
  proto::scan(item.text, {site_.options.limits.depth, 1, site_.options.protocol.require_version}, response,
              site_.shared.scan_batch);
  upstream_.on_response(*a, response);
}

void router::on_snapshot(snapshot_message& message) {
  records_.forget_routes();
  site_.routes = std::move(message.routes);
  std::ranges::move(message.registrations, std::back_inserter(in_force_));
  // An instance may have come that has room.
  permits_.waiting().offer_all();
  upstream_.move_streams();
}

void router::on_inspect(inspect_message& message) {
  router_report report;
  inspected_ = true;
  if (message.connections) report.connections = links_.describe();
  records_.report(report);
  report.in_flight = calls_.awaited();
  links_.for_each_open([&](const link_entry& entry) {
    report.introduced += entry.state.introduced ? 1 : 0;
    report.pending_output_bytes += entry.status->status().pending_output;
  });
  report.last_request_ns = inbound_.last_request_ns();
  message.report.set_value(std::move(report));
}

void router::on_drain(const drain_message& message) {
  if (!message.finish) return session_.drain(message.deadline);
  streams_.end_all();
  links_.for_each_open([&](link_entry& entry) {
    links_.release_held_back(entry, true);
    links_.output(entry).finish = true;
  });
  records_.finish();
}

}  // namespace weft
