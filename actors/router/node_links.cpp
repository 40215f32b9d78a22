#include "actors/router/node_links.hpp"

#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "actors/coro/sleep.hpp"
#include "actors/registry/messages.hpp"
#include "actors/registry/session_messages.hpp"
#include "actors/service/handler_context.hpp"
#include "actors/transport/network.hpp"
#include "proto/message.hpp"

namespace weft {

std::string goaway_frame(std::string_view reason, std::chrono::milliseconds deadline,
                         std::chrono::milliseconds handover, bool conflict) {
  std::string quoted;
  proto::append_quoted(quoted, reason);
  return fmt::format(
      R"({{"jsonrpc":"2.0","method":"$/goaway","params":{{"reason":{},"deadline_ms":{},"handover_ms":{}{}}}}})",
      quoted, deadline.count(), handover.count(), conflict ? R"(,"conflict":true)" : "");
}

bool is_other_life(const router_site& site, std::string_view incarnation) noexcept {
  return !incarnation.empty() && incarnation != site.shared.counters.incarnation;
}

coro::task<void> close_when_idle(router_site* site, connections* entries, connection_key key,
                                 coro::clock::time_point at_most) {
  // So long are new tables given here and at the other side, and what was sent before them to arrive.
  constexpr std::chrono::milliseconds settling{200};
  const coro::cancel_scope until(site->home, at_most);
  for (;;) {
    const bool in_time = (co_await coro::sleep_for(until, settling)).has_value();
    auto* entry = entries->find(key);
    if (entry == nullptr) co_return;
    if (in_time && entry->load.made_count + entry->load.received_count > 0) continue;
    entries->finish(*entry);
    site->flush_outside_turn();
    co_return;
  }
}

void node_links::on_adopt(adopt_link& message) {
  site_.metrics().add(metric::tcp_opened_outbound);
  auto& entry =
      connections_.add(std::exchange(message.descriptor, -1), message.address,
                       connection_entry::role::node_out, site_.handle(), std::move(message.session));
  entry.party.name = message.name;
  entry.watchers.dialler = message.dialler;
  tasks_.spawn(introduce(this, entry.key(), message.dialler));
}

nlohmann::json node_links::introduction() const {
  const auto& options = site_.options;
  nlohmann::json params = {{"name", options.id},
                           {"node", options.id},
                           {"incarnation", site_.shared.counters.incarnation},
                           {"limits", {{"link_frame_bytes", link_frame_bytes(options.limits)}}},
                           {"heartbeat_ms", options.protocol.heartbeat_interval.count()}};
  if (!token_.empty()) params["token"] = token_;
  return params;
}

void node_links::present(std::string token) {
  if (token == token_) return;
  token_ = std::move(token);
  connections_.for_each_open([&](const connection_entry& entry) {
    if (entry.as == connection_entry::role::node_out && entry.state.introduced)
      tasks_.spawn(present_on(this, entry.key()));
  });
}

// Without the members of a node: the link stays what it is.
coro::task<void> node_links::present_on(node_links* self, connection_key key) {
  auto& site = self->site_;
  const weft::handler_context ctx(
      coro::cancel_scope(site.home, site.now() + site.options.mesh.connect_timeout), site.self, key, nullptr);
  const nlohmann::json params = {{"name", site.options.id},
                                 {"token", self->token_},
                                 {"heartbeat_ms", site.options.protocol.heartbeat_interval.count()}};
  const auto answer = co_await ctx.caller().call("connect", params);
  if (answer || answer.error().code != static_cast<int>(error_code::unauthenticated)) co_return;
  if (const auto* entry = self->connections_.find(key)) {
    site.shared.log->warn(
        "the node '{}' at {} does not know the new token of this one (auth.peer_token_file)",
        entry->party.node, format_address(entry->party.address));
  }
}

coro::task<void> node_links::introduce(node_links* self, connection_key key, caf::strong_actor_ptr dialler) {
  auto& site = self->site_;
  const auto until = site.now() + site.options.mesh.connect_timeout;
  const weft::handler_context ctx(coro::cancel_scope(site.home, until), site.self, key, nullptr);
  const auto answer = co_await ctx.caller().call("connect", self->introduction());
  auto* entry = self->connections_.find(key);
  if (entry != nullptr && !entry->state.finishing) self->on_introduced(*entry, answer, dialler);
}

void node_links::on_introduced(connection_entry& entry, const json_result& answer,
                               const caf::strong_actor_ptr& dialler) {
  const auto& options = site_.options;
  const auto read = answer ? read_connected(*answer) : std::unexpected(answer.error().message);
  // Another life of this id says so in its answer, or refuses this one.
  const bool twin = read ? read->node == options.id && is_other_life(site_, read->incarnation)
                         : !answer && is_own_id(answer.error());
  if (!read || twin) {
    const auto why =
        twin ? fmt::format(
                   "the node at {} has the id '{}' of this one, which listens on {}: give one of "
                   "them another --id",
                   format_address(entry.party.address), options.id, format_net_addresses(options.listen))
             : "connect was refused: " + read.error();
    if (twin) site_.metrics().add(metric::node_conflicts);
    return give_up(entry, why, twin);
  }
  entry.state.introduced = true;
  entry.party.node = read->node;
  entry.party.incarnation = read->incarnation;
  entry.party.accepts = read->link_frame_bytes.value_or(options.limits.frame_bytes);
  connections_.output(entry).heartbeat = options.protocol.heartbeat_interval;
  connections_.output(entry).frame_limit = link_frame_bytes(options.limits);
  site_.flush_outside_turn();
  site_.tell_registry(node_link_changed{{site_.index(), entry.key()},
                                        read->node,
                                        true,
                                        read->incarnation,
                                        format_address(entry.party.address),
                                        std::min(entry.party.accepts, link_frame_bytes(options.limits))});
  auto up = make_actor_message<link_changed>(true, entry.key(), read->node);
  up->self = read->node == options.id;
  site_.send(dialler, std::move(up));
}

bool node_links::is_own_id(const rpc_error& error) const {
  const auto data = nlohmann::json::parse(error.data, nullptr, false);
  const auto node = data.is_object() ? data.find("node") : data.end();
  // Errors of this process name it as well, when there was no answer at all.
  return node != data.end() && *node == site_.options.id && data.value("conflict", nlohmann::json()) == true;
}

void node_links::give_up(connection_entry& entry, std::string why, bool conflict) {
  if (const auto dialler = std::exchange(entry.watchers.dialler, nullptr)) {
    auto down = make_actor_message<link_changed>(false, entry.key(), std::move(why));
    down->conflict = conflict;
    site_.send(dialler, std::move(down));
  }
  connections_.output(entry).finish = true;
  site_.flush_outside_turn();
}

void node_links::on_refuse(const refuse_link& message) {
  auto* entry = connections_.find(message.key);
  if (entry == nullptr) return;
  entry->state.going_away = true;
  if (message.conflict) site_.metrics().add(metric::node_conflicts);
  constexpr std::chrono::milliseconds no_time{0};
  connections_.send_frame(*entry, goaway_frame(message.reason, no_time, no_time, message.conflict), true);
  give_up(*entry, message.reason, message.conflict);
}

void node_links::on_send(const send_message& message) {
  auto* entry = connections_.find(message.key);
  if (entry == nullptr || entry->state.finishing) return;
  if (entry->output_bytes() <= site_.options.limits.output_hard_bytes)
    return connections_.send_frame(*entry, message.payload, false);
  // The connection would be cut for it, but only when this turn is over.
  site_.metrics().add(metric::limit_output_hard);
  give_up(*entry, "it does not read what it is told (limits.output_hard_bytes)", false);
}

void node_links::on_probe(const probe_link& message) {
  tasks_.spawn(probe(this, message.key));
}

coro::task<void> node_links::probe(node_links* self, connection_key key) {
  constexpr std::chrono::milliseconds timeout{500};
  auto& site = self->site_;
  const weft::handler_context ctx(coro::cancel_scope(site.home, site.now() + timeout), site.self, key,
                                  nullptr);
  const auto answer = co_await ctx.caller().call("heartbeat", nullptr);
  site.tell_registry(node_link_probed{{site.index(), key}, answer.has_value()});
}

void node_links::on_retire(const retire_link& message) {
  auto* entry = connections_.find_dialled_by(message.dialler);
  // It may have gone down meanwhile: the peer actor is on its way to know.
  if (entry == nullptr) return;
  if (!entry->state.introduced || message.drain_time.count() == 0) return connections_.finish(*entry);
  // It carries calls until the registry's next table does without it, for there may be another link.
  constexpr auto no_handover = std::chrono::milliseconds(0);
  connections_.send_frame(
      *entry,
      goaway_frame("this node no longer lists the other as its peer", message.drain_time, no_handover), true);
  site_.tell_registry(node_link_leaving{{site_.index(), entry->key()}, false});
  tasks_.spawn(close_when_idle(&site_, &connections_, entry->key(), site_.now() + message.drain_time));
}

}  // namespace weft
