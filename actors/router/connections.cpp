#include "actors/router/connections.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "actors/transport/network.hpp"
#include "proto/frame.hpp"

namespace weft {
namespace {

/// Smaller answers are not worth holding back.
constexpr std::size_t large_answer = std::size_t{16} * 1024;

std::string_view to_string(connection_entry::role role) {
  switch (role) {
    case connection_entry::role::client:
      return "client";
    case connection_entry::role::node_in:
      return "peer-inbound";
    case connection_entry::role::node_out:
      return "peer-outbound";
    case connection_entry::role::uplink:
      return "uplink";
  }
  return "client";
}

nlohmann::json describe_session(const tls::session* session) {
  if (session == nullptr) return nullptr;
  auto names = nlohmann::json::array();
  for (const auto& each : session->peer_names()) names.push_back(each.text);
  return {{"version", session->version()},
          {"cipher", session->cipher()},
          {"resumed", session->resumed()},
          {"peer_names", std::move(names)},
          {"peer_subject", session->peer_subject()}};
}

double seconds_between(coro::clock::time_point from, coro::clock::time_point to) {
  return std::chrono::duration<double>(to - from).count();
}

}  // namespace

connection_entry& connections::add(int descriptor, const sockaddr_storage& address, connection_entry::role as,
                                   const caf::strong_actor_ptr& router,
                                   std::unique_ptr<tls::session>&& session) {
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(entries_.size()));
    entries_.push_back(std::make_unique<connection_entry>());
    entries_.back()->id.slot = free_.back();
  }
  auto& entry = *entries_[free_.back()];
  free_.pop_back();
  entry.state.open = true;
  entry.as = as;
  if (site_.access) entry.access.who = &site_.access->everyone();
  entry.party.address = address;
  auto handle = spawn_pinned<connection>(*site_.environment.system, site_.home, site_.shared, descriptor,
                                         entry.key(), router, std::move(session));
  auto* actor = caf::actor_cast<connection*>(handle);
  entry.transport = actor;
  entry.actor = caf::actor_cast<caf::strong_actor_ptr>(handle);
  actor->start();
  return entry;
}

void connections::remove(connection_entry& entry) {
  const connection_key next{entry.id.slot, entry.id.generation + 1};
  if (entry.watchers.alive) entry.watchers.alive->store(false);
  entry = connection_entry{};
  entry.id = next;
  free_.push_back(next.slot);
}

std::string connections::holder_of(connection_key key) {
  const auto* entry = find(key);
  const bool named = entry != nullptr && entry->access.of_identity != nullptr;
  return named ? fmt::format("'{}'", entry->access.who->name) : "this connection";
}

connection_entry* connections::callable(connection_key key) {
  auto* entry = find(key);
  if (entry == nullptr || entry->state.going_away || entry->state.half_closed || entry->state.finishing)
    return nullptr;
  if (entry->output_bytes() > site_.options.limits.output_soft_bytes) {
    site_.metrics().add(metric::limit_output_soft);
    return nullptr;
  }
  return entry;
}

connection_entry* connections::find_dialled_by(const caf::strong_actor_ptr& peer) {
  const auto found = std::ranges::find_if(
      entries_, [&](const auto& entry) { return entry->state.open && entry->watchers.dialler == peer; });
  return found == entries_.end() ? nullptr : found->get();
}

void connections::send_frame(connection_entry& entry, std::string_view payload, bool urgent) {
  auto& out = output(entry);
  proto::append_frame(urgent ? out.urgent : out.bulk, payload);
}

std::optional<rpc_error> connections::check_limits(const connection_entry& entry, std::size_t frame_bytes,
                                                   executed ran) const {
  if (frame_bytes > proto::frame_header_bytes &&
      frame_bytes - proto::frame_header_bytes > entry.party.accepts) [[unlikely]] {
    site_.metrics().add(metric::limit_peer_frame);
    return site_.exhausted(fmt::format("a message of {} bytes is over the limit of {} that {} has told",
                                       frame_bytes - proto::frame_header_bytes, entry.party.accepts,
                                       entry.party.title().empty() ? "its receiver" : entry.party.title()),
                           ran);
  }
  if (!entry.is_link()) return std::nullopt;
  const auto pending = entry.output_bytes();
  if (pending <= site_.options.limits.output_hard_bytes) [[likely]]
    return std::nullopt;
  // A link serves many: one large answer more must not be its end.
  site_.metrics().add(metric::limit_output_hard);
  return site_.exhausted(
      fmt::format("{} bytes wait to be sent to {} (limits.output_hard_bytes)", pending, entry.party.node),
      ran);
}

bool connections::hold_back(connection_entry& entry, std::size_t start) {
  const auto& limits = site_.options.limits;
  auto& out = output(entry);
  auto& held = entry.held_back;
  const auto size = out.bulk.size() - start;
  const bool waits = !held.frames.empty() || entry.output_bytes() - size > limits.output_soft_bytes / 2;
  if (size < large_answer || !waits) return true;
  if (held.bytes + size > limits.output_hard_bytes / 2) return false;
  held.frames.emplace_back(out.bulk, start);
  held.bytes += size;
  out.bulk.resize(start);
  out.tell_below = limits.output_soft_bytes / 4;
  return true;
}

void connections::release_held_back(connection_entry& entry, bool all) {
  auto& [held, bytes] = entry.held_back;
  if (held.empty()) return;
  const auto& limits = site_.options.limits;
  auto& out = output(entry);
  auto next = held.begin();
  for (; next != held.end() && (all || entry.output_bytes() <= limits.output_soft_bytes / 2); ++next) {
    out.bulk += *next;
    bytes -= next->size();
  }
  held.erase(held.begin(), next);
  if (!held.empty()) out.tell_below = limits.output_soft_bytes / 4;
}

void connections::finish(connection_entry& entry) {
  release_held_back(entry, true);
  entry.state.finishing = true;
  output(entry).finish = true;
}

void connections::finish_if_done(connection_entry& entry) {
  if (!entry.state.half_closed || entry.state.finishing || entry.state.backlogged || entry.state.registering)
    return;
  if (entry.load.made_count > entry.load.left_behind_count) return;
  finish(entry);
}

void connections::flush() {
  for (const auto slot : dirty_) {
    auto& entry = *entries_[slot];
    entry.state.dirty = false;
    if (!entry.state.open || !entry.out) continue;
    if (!entry.state.registering) site_.send(entry.actor, std::move(entry.out));
  }
  dirty_.clear();
}

void connections::cut_unfinished() {
  // One connection may have asked for this and be gone, or another one's frame may be complete by now.
  while (site_.shared.unfinished_bytes > site_.options.limits.unfinished_frame_bytes) {
    const connection_entry* greediest = nullptr;
    const auto order = [](const connection_entry& entry) {
      const auto& status = entry.transport->status();
      return std::pair(status.unfinished_bytes, status.opened);
    };
    for_each_open([&](const connection_entry& entry) {
      if (entry.transport->status().unfinished_bytes == 0) return;
      if (greediest == nullptr || order(entry) > order(*greediest)) greediest = &entry;
    });
    if (greediest == nullptr) return;
    site_.metrics().add(metric::limit_unfinished_frames);
    site_.shared.log->warn(
        "connection {} from {}: cut, {} bytes of a frame that is not complete, while all of the reactor's "
        "are over limits.unfinished_frame_bytes",
        greediest->id.slot, format_address(greediest->party.address),
        greediest->transport->status().unfinished_bytes);
    greediest->transport->cut(close_reason::unfinished_frames);
  }
}

void connections::close() {
  for (const auto& entry : entries_) {
    if (entry->state.open) site_.send(entry->actor, make_actor_message<close_message>());
    entry->state.open = false;
    if (entry->watchers.alive) entry->watchers.alive->store(false);
    entry->actor.reset();
    entry->watchers.dialler.reset();
  }
}

nlohmann::json connections::describe() const {
  auto list = nlohmann::json::array();
  const auto now = site_.now();
  for (const auto& each : entries_) {
    const auto& entry = *each;
    if (!entry.state.open) continue;
    const auto& status = entry.transport->status();
    list.push_back(
        {{"connection", fmt::format("{}-{}-{}", site_.index(), entry.id.slot, entry.id.generation)},
         {"reactor", site_.index()},
         {"address", format_address(entry.party.address)},
         {"role", to_string(entry.as)},
         {"name", entry.party.name},
         {"instance", entry.party.instance},
         {"identity", entry.access.who == nullptr ? std::string() : entry.access.who->name},
         {"introduced", entry.state.introduced},
         {"calls_made_in_flight", entry.load.made_count},
         {"calls_received_in_flight", entry.load.received_count},
         {"bytes_read", status.bytes_read},
         {"bytes_written", status.bytes_written},
         {"frames_read", status.frames_read},
         {"pending_output_bytes", status.pending_output},
         {"age_seconds", seconds_between(status.opened, now)},
         {"idle_seconds", seconds_between(status.last_read, now)},
         {"tls", describe_session(entry.transport->session())}});
  }
  return list;
}

}  // namespace weft
