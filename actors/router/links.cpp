// The router's connections: taking them on, introducing to peers, output, closing, draining.
#include <algorithm>

#include <arpa/inet.h>
#include <caf/send.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "actors/coro/sleep.hpp"
#include "actors/registry/registry.hpp"
#include "actors/registry/session_messages.hpp"
#include "actors/router/router.hpp"
#include "actors/transport/network.hpp"
#include "proto/message.hpp"

namespace weft {
namespace {

std::string_view to_string(link_entry::role role) {
  switch (role) {
    case link_entry::role::client:
      return "client";
    case link_entry::role::peer_in:
      return "peer-inbound";
    case link_entry::role::peer_out:
      return "peer-outbound";
  }
  return "client";
}

double seconds_between(coro::clock::time_point from, coro::clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

}  // namespace

adopt_socket::~adopt_socket() {
  if (descriptor >= 0) ::close(descriptor);
}

adopt_link::~adopt_link() {
  if (descriptor >= 0) ::close(descriptor);
}

link_entry& router::adopt(int descriptor, const sockaddr_storage& address, link_entry::role as) {
  if (free_links_.empty()) {
    free_links_.push_back(static_cast<std::uint32_t>(links_.size()));
    links_.emplace_back().slot = free_links_.back();
  }
  auto& entry = links_[free_links_.back()];
  free_links_.pop_back();
  entry.open = true;
  entry.as = as;
  if (const auto& policy = options().auth.policy) entry.who = &policy->everyone();
  entry.address = address;
  const auto self = caf::actor_cast<caf::strong_actor_ptr>(this);
  auto handle =
      spawn_pinned<connection>(*environment_.system, home(), shared_, descriptor, entry.key(), self);
  auto* actor = caf::actor_cast<connection*>(handle);
  entry.status = actor;
  entry.actor = caf::actor_cast<caf::strong_actor_ptr>(handle);
  actor->start();
  return entry;
}

void router::on_adopt_socket(adopt_socket& message) {
  home().metrics().add(metric::tcp_opened);
  adopt(std::exchange(message.descriptor, -1), message.address, link_entry::role::client);
}

void router::on_adopt_link(adopt_link& message) {
  home().metrics().add(metric::tcp_opened_outbound);
  auto& entry = adopt(std::exchange(message.descriptor, -1), message.address, link_entry::role::peer_out);
  entry.name = message.name;
  entry.dialler = message.dialler;
  tasks_->spawn(introduce(this, entry.key(), message.dialler));
}

bool router::is_own_id(const rpc_error& error) const {
  const auto data = nlohmann::json::parse(error.data, nullptr, false);
  const auto node = data.is_object() ? data.find("node") : data.end();
  // Errors of this process name it as well, when there was no answer at all.
  return node != data.end() && *node == options().id && data.value("conflict", nlohmann::json()) == true;
}

coro::task<void> router::introduce(router* self, connection_key key, caf::strong_actor_ptr dialler) {
  const auto& options = self->options();
  const auto patience = options.mesh.connect_timeout;
  const weft::context ctx(coro::context(self->home(), self->home().now() + patience), *self, key, nullptr);
  nlohmann::json params = {{"name", options.id},
                           {"node", options.id},
                           {"incarnation", self->shared_.counters.incarnation},
                           {"limits", {{"link_frame_bytes", link_frame_bytes(options.limits)}}},
                           {"heartbeat_ms", options.protocol.heartbeat_interval.count()}};
  if (!options.auth.peer_token.empty()) params["token"] = options.auth.peer_token;
  auto answer = co_await ctx.caller().call("connect", params);
  auto* entry = self->find(key);
  if (entry == nullptr || entry->finishing) co_return;
  const auto read = answer ? read_connected(*answer) : std::unexpected(answer.error().message);
  // Another life of this id says so in its answer, or refuses this one.
  const bool twin = read ? read->node == options.id && self->is_other_life(read->incarnation)
                         : !answer && self->is_own_id(answer.error());
  if (!read || twin) {
    const auto why = twin
                         ? fmt::format(
                               "the node at {} has the id '{}' of this one, which listens on {}: give one of "
                               "them another --id",
                               format_address(entry->address), options.id, format_host_port(options.listen))
                         : "connect was refused: " + read.error();
    if (twin) self->home().metrics().add(metric::node_conflicts);
    self->give_up_link(*entry, why, twin);
    co_return;
  }
  entry->introduced = true;
  entry->node = read->node;
  entry->incarnation = read->incarnation;
  entry->accepts = read->link_frame_bytes.value_or(options.limits.frame_bytes);
  self->output(*entry).heartbeat = options.protocol.heartbeat_interval;
  self->output(*entry).frame_limit = link_frame_bytes(options.limits);
  self->flush_outside_turn();
  caf::anon_send(*self->environment_.registry,
                 node_link_changed{{self->home().index(), key},
                                   read->node,
                                   true,
                                   read->incarnation,
                                   format_address(entry->address),
                                   std::min(entry->accepts, link_frame_bytes(options.limits))});
  auto up = make_actor_message<link_changed>(true, key, read->node);
  up->self = read->node == options.id;
  self->send_to(dialler, std::move(up));
}

// The peer actor learns the reason instead of how the connection ends.
void router::give_up_link(link_entry& entry, std::string why, bool conflict) {
  if (const auto dialler = std::exchange(entry.dialler, nullptr)) {
    auto down = make_actor_message<link_changed>(false, entry.key(), std::move(why));
    down->conflict = conflict;
    send_to(dialler, std::move(down));
  }
  output(entry).finish = true;
  flush_outside_turn();
}

void router::on_refuse_link(const refuse_link& message) {
  auto* entry = find(message.key);
  if (entry == nullptr) return;
  entry->going_away = true;
  if (message.conflict) home().metrics().add(metric::node_conflicts);
  send_frame(*entry, goaway_frame(message.reason, std::chrono::milliseconds(0), std::chrono::milliseconds(0)),
             true);
  give_up_link(*entry, message.reason, message.conflict);
}

coro::task<void> router::probe(router* self, connection_key key) {
  constexpr std::chrono::milliseconds patience{500};
  const weft::context ctx(coro::context(self->home(), self->home().now() + patience), *self, key, nullptr);
  const auto answer = co_await ctx.caller().call("heartbeat", nullptr);
  caf::anon_send(*self->environment_.registry,
                 node_link_probed{{self->home().index(), key}, answer.has_value()});
}

void router::on_unfinished_frames() {
  // One connection may have asked for this and be gone, or another one's frame may be complete by now.
  while (shared_.unfinished_bytes > options().limits.unfinished_frame_bytes) {
    const link_entry* greediest = nullptr;
    const auto order = [](const link_entry& entry) {
      const auto& status = entry.status->status();
      return std::pair(status.unfinished_bytes, status.opened);
    };
    for (const auto& entry : links_) {
      if (!entry.open || entry.status->status().unfinished_bytes == 0) continue;
      if (greediest == nullptr || order(entry) > order(*greediest)) greediest = &entry;
    }
    if (greediest == nullptr) return;
    home().metrics().add(metric::limit_unfinished_frames);
    shared_.log->warn(
        "connection {} from {}: cut, {} bytes of a frame that is not complete, while all of the reactor's "
        "are over limits.unfinished_frame_bytes",
        greediest->slot, format_address(greediest->address), greediest->status->status().unfinished_bytes);
    const_cast<connection*>(greediest->status)->cut(close_reason::unfinished_frames);
  }
}

std::optional<rpc_error> router::check_room(const link_entry& entry, std::size_t frame_bytes,
                                            executed ran) const {
  if (frame_bytes > proto::frame_header_bytes && frame_bytes - proto::frame_header_bytes > entry.accepts)
      [[unlikely]] {
    home().metrics().add(metric::limit_peer_frame);
    return make_mesh_error(error_code::resource_exhausted,
                           fmt::format("a message of {} bytes is over the limit of {} that {} has told",
                                       frame_bytes - proto::frame_header_bytes, entry.accepts,
                                       entry.node.empty() ? entry.name : entry.node),
                           ran, options().id);
  }
  if (!is_link(entry)) return std::nullopt;
  const auto pending = output_bytes(entry);
  if (pending <= options().limits.output_hard_bytes) [[likely]]
    return std::nullopt;
  // A link serves many: one large answer more must not be its end.
  home().metrics().add(metric::limit_output_hard);
  return make_mesh_error(
      error_code::resource_exhausted,
      fmt::format("{} bytes wait to be sent to {} (limits.output_hard_bytes)", pending, entry.node), ran,
      options().id);
}

void router::on_retire_link(const retire_link& message) {
  const auto mine = [&](const link_entry& entry) { return entry.open && entry.dialler == message.dialler; };
  const auto entry = std::ranges::find_if(links_, mine);
  // It may have gone down meanwhile: the peer actor is on its way to know.
  if (entry == links_.end()) return;
  if (!entry->introduced || message.drain_time.count() == 0) {
    entry->finishing = true;
    output(*entry).finish = true;
    return;
  }
  // It carries calls until the registry's next table does without it, for there may be another link.
  constexpr auto no_handover = std::chrono::milliseconds(0);
  send_frame(*entry,
             goaway_frame("this node no longer lists the other as its peer", message.drain_time, no_handover),
             true);
  caf::anon_send(*environment_.registry, node_link_leaving{{home().index(), entry->key()}, false});
  tasks_->spawn(close_when_idle(this, entry->key(), home().now() + message.drain_time));
}

coro::task<void> router::close_when_idle(router* self, connection_key key, coro::clock::time_point at_most) {
  // So long are new tables given here and at the other side, and what was sent before them to arrive.
  constexpr std::chrono::milliseconds settling{200};
  const coro::context until(self->home(), at_most);
  for (;;) {
    const bool in_time = (co_await coro::sleep_for(until, settling)).has_value();
    auto* entry = self->find(key);
    if (entry == nullptr) co_return;
    if (in_time && entry->made_count + entry->received_count > 0) continue;
    entry->finishing = true;
    self->output(*entry).finish = true;
    self->flush_outside_turn();
    co_return;
  }
}

void router::on_closed(const connection_closed& message) {
  auto* entry = find(message.from);
  if (entry == nullptr) return;
  if (entry->dialler) {
    send_to(entry->dialler, make_actor_message<link_changed>(false, entry->key(),
                                                             std::string(weft::to_string(message.reason))));
  }
  tell_registry_gone(*entry);
  drop_registrations(entry->key());
  fail_callee_calls(*entry, message.reason);
  cancel_caller_calls(*entry);
  entry->open = false;
  const auto slot = entry->slot;
  const auto generation = entry->generation + 1;
  *entry = link_entry{};
  entry->slot = slot;
  entry->generation = generation;
  free_links_.push_back(slot);
}

link_entry* router::find(connection_key key) noexcept {
  if (key.slot >= links_.size()) return nullptr;
  auto& entry = links_[key.slot];
  return entry.open && entry.generation == key.generation ? &entry : nullptr;
}

outbound_batch& router::output(link_entry& entry) {
  if (!entry.out) entry.out = shared_.outbound.take();
  if (!entry.dirty) {
    entry.dirty = true;
    dirty_.push_back(entry.slot);
  }
  return *entry.out;
}

void router::send_frame(link_entry& entry, std::string_view payload, bool urgent) {
  auto& out = output(entry);
  proto::append_frame(urgent ? out.urgent : out.bulk, payload);
}

void router::flush_outside_turn() {
  // Coroutines resume between turns: what they queued goes out now, not with the next message.
  if (!in_turn_) end_of_turn();
}

void router::finish_if_done(link_entry& entry) {
  if (!entry.half_closed || entry.finishing || entry.backlogged || entry.registering) return;
  if (entry.made_count > entry.left_behind_count) return;
  entry.finishing = true;
  output(entry).finish = true;
}

void router::on_drain(const drain_message& message) {
  if (message.finish) {
    for (auto& entry : links_) {
      if (entry.open) output(entry).finish = true;
    }
    if (recorder_) recorder_->finish();
    return;
  }
  draining_ = true;
  drain_deadline_ = message.deadline;
  const auto goaway = draining_goaway();
  for (auto& entry : links_) {
    if (entry.open && entry.introduced) send_frame(entry, goaway, true);
  }
}

std::string router::goaway_frame(std::string_view reason, std::chrono::milliseconds deadline,
                                 std::chrono::milliseconds handover) {
  return fmt::format(
      R"({{"jsonrpc":"2.0","method":"$/goaway","params":{{"reason":"{}","deadline_ms":{},"handover_ms":{}}}}})",
      reason, deadline.count(), handover.count());
}

std::string router::draining_goaway() const {
  return goaway_frame("shutting down", drain_deadline_, std::min(drain_deadline_, options().drain_handover));
}

nlohmann::json router::describe_connections() const {
  auto list = nlohmann::json::array();
  const auto now = home().now();
  for (const auto& entry : links_) {
    if (!entry.open) continue;
    const auto& status = entry.status->status();
    list.push_back({{"connection", fmt::format("{}-{}-{}", home().index(), entry.slot, entry.generation)},
                    {"reactor", home().index()},
                    {"address", format_address(entry.address)},
                    {"role", to_string(entry.as)},
                    {"name", entry.name},
                    {"instance", entry.instance},
                    {"identity", entry.who == nullptr ? std::string() : entry.who->name},
                    {"introduced", entry.introduced},
                    {"calls_made_in_flight", entry.made_count},
                    {"calls_received_in_flight", entry.received_count},
                    {"bytes_read", status.bytes_read},
                    {"bytes_written", status.bytes_written},
                    {"frames_read", status.frames_read},
                    {"pending_output_bytes", status.pending_output},
                    {"age_seconds", seconds_between(status.opened, now)},
                    {"idle_seconds", seconds_between(status.last_read, now)}});
  }
  return list;
}

}  // namespace weft
