#include "actors/router/session.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "actors/registry/messages.hpp"
#include "actors/router/handlers.hpp"
#include "actors/router/node_links.hpp"
#include "actors/router/uplinks.hpp"
#include "actors/service/service_host.hpp"
#include "actors/transport/network.hpp"
#include "proto/json/value_bytes.hpp"

namespace weft {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

constexpr std::string_view ok = R"("ok")";

/// Does a cancellation say that its sender does not wait for the answer?
bool is_abandoned(std::string_view raw_params) {
  const auto params = parse_value(raw_params);
  return params && params->value("abandoned", json()) == true;
}

}  // namespace

// `is_reserved_method` knows these names.
constexpr session::row session::table[] = {
    {"connect", &session::on_connect, false, false},   {"heartbeat", &session::on_heartbeat, false, false},
    {"mesh.drain", &session::on_drain, false, false},  {"mesh.routes", &session::on_routes, false, true},
    {"mesh.resync", &session::on_resync, false, true}, {"$/cancelRequest", &session::on_cancel, true, false},
    {"$/goaway", &session::on_goaway, true, false},
};

bool session::handle(request& r) {
  const auto name = r.name;
  // Nearly every method is none of them, and begins otherwise.
  if (name.empty() || (name[0] != 'c' && name[0] != 'h' && name[0] != 'm' && name[0] != '$')) return false;
  const auto* found = std::ranges::find(table, name, &row::name);
  const bool known = found != std::end(table) && (!found->nodes_only || r.from.is_link());
  if (known && (!found->notification || !r.target.wanted)) {
    (this->*found->handle)(r);
    return true;
  }
  if (!name.starts_with("$/")) return false;
  if (r.target.wanted) {
    answers_.error(r.target,
                   make_error(error_code::method_not_found, fmt::format("method '{}' not found", name)));
  }
  return true;
}

void session::on_heartbeat(request& r) {
  if (!r.target.wanted) return;
  if (r.target.group != nullptr) return answers_.result(r.target, ok);
  auto& urgent = connections_.output(r.from).urgent;
  const auto start = proto::begin_frame(urgent);
  proto::append_result(urgent, r.target.raw_id, ok);
  proto::end_frame(urgent, start);
}

void session::on_cancel(request& r) {
  // Read from the raw bytes, so that an id that no double holds still finds its call.
  proto::envelope members;
  std::vector<proto::envelope> none;
  const auto params = r.message.params;
  if (params.empty() || params.front() != '{') return;
  proto::scan(params, {site_.options.limits.depth, 1, false}, members, none);
  auto* c = members.id.empty() ? nullptr : calls_.find(r.from.key(), members.id);
  if (c == nullptr) return;
  if (r.from.is_link() && is_abandoned(params)) return calls_.hang_up(r.from, *c);
  if (c->caller.cancelled) return;
  site_.metrics().add(metric::cancelled);
  c->caller.cancelled = true;
  calls_.cancel(*c, coro::cancel_reason::cancelled_by_caller, true);
  const auto taken_back = make_error(error_code::request_cancelled, "cancelled by the caller");
  // One that waits to be tried again is nowhere.
  if (c->idle()) return calls_.settle(*c, outcome::of(taken_back));
  c->paused = call::pause::none;
  // The other node tells its caller when that has waited enough. There the call counts until this one is
  // answered.
  if (r.from.is_link()) return calls_.arm_deadline(*c);
  // A blocking handler cannot be interrupted.
  if (c->handling.running == call::handler::blocking) return calls_.leave_behind(*c, outcome::of(taken_back));
  const auto due = site_.now() + site_.options.protocol.cancel_grace;
  if (due >= c->asked.deadline) return calls_.arm_deadline(*c);
  c->paused = call::pause::cancel;
  site_.home.arm(*c, due);
}

void session::on_goaway(request& r) {
  auto& entry = r.from;
  if (entry.as == connection_entry::role::uplink) return uplinks_.on_goaway(entry);
  if (!entry.is_link()) {
    entry.state.going_away = true;
    return;
  }
  const auto params = parse_value(r.message.params);
  const auto read = params ? read_goaway(*params) : std::unexpected(params.error().message);
  if (!read) complain(entry, r.name, read.error());
  if (read) {
    entry.state.goaway_reason = read->reason;
    entry.state.conflict = read->conflict;
    if (read->conflict) site_.metrics().add(metric::node_conflicts);
  }
  // It may come right behind the answer to connect.
  if (!entry.state.introduced) {
    entry.state.going_away = true;
    return;
  }
  // Two nodes may have another link. The registry puts it in this one's place in one step, until which this
  // one goes on: the other side still takes what is on its way.
  const bool hands_over = read && read->handover.count() > 0;
  site_.tell_registry(node_link_leaving{{site_.index(), entry.key()}, hands_over});
}

void session::complain(const connection_entry& entry, std::string_view method, std::string_view what) {
  site_.metrics().add(metric::control_messages_invalid);
  const auto left_out = lines_.take(site_.now());
  if (!left_out) return;
  site_.shared.log->warn("connection {} to {} ({}): {} was not understood: {} ({} such lines left out)",
                         entry.id.slot, entry.party.title(), format_address(entry.party.address), method,
                         what, *left_out);
}

void session::on_connect(request& r) {
  auto& entry = r.from;
  auto read = read_params(r.message.params);
  if (!read) return answers_.error(r.target, read.error());
  const bool as_node = !read->node.empty() || entry.as == connection_entry::role::node_in;
  const auto serves =
      read->serves ? std::span<const served_method>(*read->serves) : std::span<const served_method>();
  const auto own = std::ranges::find_if(serves, [&](const served_method& method) {
    return site_.environment.services->find(method.pattern) != nullptr;
  });
  if (own != serves.end()) {
    return answers_.error(
        r.target, make_error(error_code::invalid_params,
                             fmt::format("'{}' is a method of the node itself: serve it by another name",
                                         own->pattern)));
  }
  const auto who = gate_.authorize(entry, read->token, serves, as_node);
  if (!who) return answers_.error(r.target, who.error());
  if (read->node == site_.options.id && is_other_life(site_, read->incarnation)) return refuse_twin(r);
  gate_.admit(entry, *who, read->token, as_node || entry.is_link());
  const auto heartbeat = read->heartbeat.value_or(site_.options.protocol.heartbeat_interval);
  connections_.output(entry).heartbeat = heartbeat;
  auto result = connect_result(entry, heartbeat).dump();
  take(entry, *read);
  if (read->serves) {
    entry.state.serves = !read->serves->empty();
    register_service(r, {entry.party.name, entry.party.instance, std::move(*read->serves)},
                     std::move(result));
  } else {
    answers_.result(r.target, result);
  }
  if (draining_) connections_.send_frame(entry, goaway(), true);
  if (read->node.empty()) return;
  site_.tell_registry(
      node_link_changed{{site_.index(), entry.key()},
                        entry.party.node,
                        true,
                        entry.party.incarnation,
                        format_address(entry.party.address),
                        std::min(entry.party.accepts, link_frame_bytes(site_.options.limits))});
}

std::expected<connect_message, rpc_error> session::read_params(std::string_view raw_params) {
  using limit = declaration_fault::limit;
  const auto refuse = [&](const declaration_fault& fault) {
    if (fault.over == limit::served_methods) site_.metrics().add(metric::limit_served_methods);
    if (fault.over == limit::schema_bytes) site_.metrics().add(metric::limit_schema_bytes);
    if (fault.over == limit::connect_bytes) site_.metrics().add(metric::limit_connect_bytes);
    return std::unexpected(make_error(error_code::invalid_params, fault.sentence));
  };
  // Before it is read: who sends many of them takes the reactor's time with the reading.
  const auto bytes = proto::value_bytes(raw_params);
  if (bytes > site_.options.limits.connect_bytes) {
    return refuse(
        {fmt::format("params of connect would take {} bytes when read, the limit is {} "
                     "(limits.connect_bytes): serve fewer methods over one connection, or smaller schemas",
                     bytes, site_.options.limits.connect_bytes),
         limit::connect_bytes});
  }
  const auto params = parse_value(raw_params);
  if (!params) return std::unexpected(params.error());
  auto connect = read_connect(*params, site_.options.limits);
  if (!connect) return refuse(connect.error());
  return std::move(*connect);
}

void session::take(connection_entry& entry, connect_message& read) {
  entry.state.introduced = true;
  entry.party.name = std::move(read.name);
  entry.party.instance = std::move(read.instance);
  if (read.frame_bytes) entry.party.accepts = *read.frame_bytes;
  if (read.node.empty()) return;
  entry.as = connection_entry::role::node_in;
  entry.party.node = read.node;
  entry.party.incarnation = read.incarnation;
  if (read.link_frame_bytes) entry.party.accepts = *read.link_frame_bytes;
  connections_.output(entry).frame_limit = link_frame_bytes(site_.options.limits);
}

json session::connect_result(const connection_entry& entry, milliseconds heartbeat) const {
  const auto& limits = site_.options.limits;
  return {{"node", site_.options.id},
          {"incarnation", site_.shared.counters.incarnation},
          {"connection", fmt::format("{}-{}-{}", site_.index(), entry.id.slot, entry.id.generation)},
          {"heartbeat_ms", heartbeat.count()},
          {"limits",
           {{"frame_bytes", limits.frame_bytes},
            {"link_frame_bytes", link_frame_bytes(limits)},
            {"depth", limits.depth},
            {"batch_size", limits.batch_size},
            {"in_flight", limits.in_flight_per_connection},
            {"method_name_bytes", limits.method_name_bytes}}}};
}

void session::refuse_twin(request& r) {
  const auto& options = site_.options;
  site_.metrics().add(metric::node_conflicts);
  if (const auto left_out = lines_.take(site_.now())) {
    site_.shared.log->warn(
        "the node at {} has the id '{}' of this one, which listens on {}: give one of them another --id "
        "({} such lines left out)",
        format_address(r.from.party.address), options.id, format_net_addresses(options.listen), *left_out);
  }
  auto error = site_.unavailable(
      fmt::format("another node has the id '{}': give one of them another --id", options.id), executed::no);
  error.data = json{{"executed", "no"}, {"node", options.id}, {"conflict", true}}.dump();
  answers_.error(r.target, error);
}

void session::on_routes(request& r) {
  const auto params = parse_value(r.message.params);
  auto read = params ? read_routes(*params, site_.options.limits) : std::unexpected(params.error().message);
  if (!read) {
    complain(r.from, r.name, read.error());
    return answers_.error(r.target, make_error(error_code::invalid_params, read.error()));
  }
  if (read->refused > 0) {
    complain(
        r.from, r.name,
        fmt::format("{} of its entries are left out, the first because {}", read->refused, read->complaint));
  }
  site_.tell_registry(node_routes{{site_.index(), r.from.key()}, std::move(*read)});
  answers_.result(r.target, ok);
}

void session::on_resync(request& r) {
  site_.tell_registry(node_resync{{site_.index(), r.from.key()}});
  answers_.result(r.target, ok);
}

// A service that is about to go: nothing new is sent to it, what is under way finishes.
void session::on_drain(request& r) {
  if (r.from.is_link()) {
    return answers_.error(r.target, make_error(error_code::invalid_request,
                                               "mesh.drain is for services; a node sends $/goaway"));
  }
  r.from.state.serves = false;
  register_service(r, {r.from.party.name, r.from.party.instance, {}}, std::string(ok));
}

void session::register_service(request& r, service_declaration declaration, std::string result) {
  std::uint64_t ticket = 0;
  if (r.target.wanted) {
    ticket = next_ticket_++;
    registrations_.emplace(ticket, registration{r.from.key(), std::string(r.target.raw_id), r.target.group,
                                                r.target.part, std::move(result)});
    r.from.state.registering = true;
  }
  site_.tell_registry(service_changed{{site_.index(), r.from.key()},
                                      std::move(declaration),
                                      ticket,
                                      std::string(gatekeeper::owner_of(r.from)),
                                      format_address(r.from.party.address)});
}

void session::on_registered(const registered_message& message) {
  const auto found = registrations_.find(message.ticket);
  if (found == registrations_.end()) return;
  const auto pending = std::move(found->second);
  registrations_.erase(found);
  auto* entry = connections_.find(pending.from);
  if (entry == nullptr) return;
  entry->state.registering = std::ranges::any_of(
      registrations_, [&](const auto& other) { return other.second.from == pending.from; });
  // The answer first: whatever the table has brought since waits behind it.
  auto later = std::exchange(connections_.output(*entry).bulk, {});
  const answer_target target{pending.from, pending.raw_id, pending.group, pending.part, true};
  if (message.refusal.empty()) {
    answers_.result(target, pending.result);
  } else {
    entry->state.serves = false;
    answers_.error(target, site_.exhausted(message.refusal, executed::no));
  }
  connections_.output(*entry).bulk += later;
  connections_.finish_if_done(*entry);
}

void session::on_gone(connection_entry& entry) {
  const connection_address from{site_.index(), entry.key()};
  if (entry.state.serves) site_.tell_registry(service_changed{from, {}, 0, {}, {}});
  if (entry.is_link()) site_.tell_registry(node_link_changed{from, {}, false, {}, {}, 0});
  std::erase_if(registrations_, [&](const auto& pending) {
    if (pending.second.from != entry.key()) return false;
    if (pending.second.group != nullptr) answers_.drop_part(*pending.second.group);
    return true;
  });
}

void session::drain(milliseconds time_left) {
  draining_ = true;
  drain_deadline_ = time_left;
  const auto frame = goaway();
  connections_.for_each_open([&](connection_entry& entry) {
    if (entry.state.introduced) connections_.send_frame(entry, frame, true);
  });
}

std::string session::goaway() const {
  return goaway_frame("shutting down", drain_deadline_,
                      std::min(drain_deadline_, site_.options.drain_handover));
}

}  // namespace weft
