// The control methods of the protocol: who is there, what it serves, when it goes.
#include <caf/actor_system.hpp>
#include <caf/send.hpp>
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "actors/registry/registry.hpp"
#include "actors/registry/session_messages.hpp"
#include "actors/router/router.hpp"
#include "actors/transport/network.hpp"
#include "proto/message.hpp"

namespace weft {
namespace {

using nlohmann::json;

constexpr std::string_view cancel_method = "$/cancelRequest";
constexpr std::string_view goaway_method = "$/goaway";
constexpr std::string_view ok = R"("ok")";

}  // namespace

bool router::on_control(link_entry& entry, std::string_view name, const proto::envelope& message,
                        const answer_target& target) {
  if (name.empty()) return false;
  if (name.front() == '$') {
    if (!name.starts_with("$/")) return false;
    if (target.wanted) {
      answer_error(target,
                   make_error(error_code::method_not_found, fmt::format("method '{}' not found", name)));
    } else if (name == cancel_method) {
      on_cancel(entry, message);
    } else if (name == goaway_method) {
      on_goaway(entry, message);
    }
    return true;
  }
  if (name == "heartbeat") {
    if (!target.wanted) return true;
    if (target.group != nullptr) {
      render(target, [&](std::string& out) { proto::append_result(out, target.raw_id, R"("ok")"); });
      return true;
    }
    auto& urgent = output(entry).urgent;
    const auto start = proto::begin_frame(urgent);
    proto::append_result(urgent, target.raw_id, R"("ok")");
    proto::end_frame(urgent, start);
    return true;
  }
  if (name.starts_with("mesh.")) return on_mesh(entry, name, message, target);
  if (name != "connect") return false;
  on_connect(entry, message, target);
  return true;
}

void router::on_goaway(link_entry& entry, const proto::envelope& message) {
  if (!is_link(entry) || !entry.introduced) {
    entry.going_away = true;
    return;
  }
  // Two nodes may have another link. The registry puts it in this one's place in one step, until which this
  // one goes on: the other side still takes what is on its way.
  const auto params = parse_value(message.params);
  const auto read = params ? read_goaway(*params) : std::unexpected(params.error().message);
  if (!read) complain(entry, goaway_method, read.error());
  const bool hands_over = read && read->handover.count() > 0;
  caf::anon_send(*environment_.registry, node_link_leaving{{home().index(), entry.key()}, hands_over});
}

void router::complain(const link_entry& entry, std::string_view method, std::string_view what) {
  home().metrics().add(metric::control_messages_invalid);
  const auto left_out = malformed_lines_.take(home().now());
  if (!left_out) return;
  shared_.log->warn("connection {} to {} ({}): {} was not understood: {} ({} such lines left out)",
                    entry.slot, entry.node.empty() ? entry.name : entry.node, format_address(entry.address),
                    method, what, *left_out);
}

void router::on_connect(link_entry& entry, const proto::envelope& message, const answer_target& target) {
  const auto params = parse_value(message.params);
  if (!params) return answer_error(target, params.error());
  auto read = read_connect(*params, options().limits);
  if (!read) return answer_error(target, make_error(error_code::invalid_params, read.error()));
  const bool as_node = !read->node.empty() || entry.as == link_entry::role::peer_in;
  const auto serves =
      read->serves ? std::span<const served_method>(*read->serves) : std::span<const served_method>();
  const auto who = authorize(entry, read->token, serves, as_node);
  if (!who) return answer_error(target, who.error());
  if (read->node == options().id && is_other_life(read->incarnation)) return refuse_twin(entry, target);
  entry.who = *who;
  entry.introduced = true;
  entry.name = std::move(read->name);
  entry.instance = std::move(read->instance);
  const auto heartbeat = read->heartbeat.value_or(options().protocol.heartbeat_interval);
  output(entry).heartbeat = heartbeat;
  if (read->frame_bytes) entry.accepts = *read->frame_bytes;
  auto result = connect_result(entry, heartbeat).dump();
  if (!read->node.empty()) {
    entry.as = link_entry::role::peer_in;
    entry.node = read->node;
    entry.incarnation = read->incarnation;
    if (read->link_frame_bytes) entry.accepts = *read->link_frame_bytes;
    output(entry).frame_limit = link_frame_bytes(options().limits);
  }
  if (read->serves) {
    entry.serves = !read->serves->empty();
    register_service(entry, target, {entry.name, entry.instance, std::move(*read->serves)},
                     std::move(result));
  } else {
    render(target, [&](std::string& out) { proto::append_result(out, target.raw_id, result); });
  }
  if (draining_) send_frame(entry, draining_goaway(), true);
  if (read->node.empty()) return;
  caf::anon_send(*environment_.registry,
                 node_link_changed{{home().index(), entry.key()},
                                   entry.node,
                                   true,
                                   entry.incarnation,
                                   format_address(entry.address),
                                   std::min(entry.accepts, link_frame_bytes(options().limits))});
}

json router::connect_result(const link_entry& entry, std::chrono::milliseconds heartbeat) const {
  const auto& limits = options().limits;
  return {{"node", options().id},
          {"incarnation", shared_.counters.incarnation},
          {"connection", fmt::format("{}-{}-{}", home().index(), entry.slot, entry.generation)},
          {"heartbeat_ms", heartbeat.count()},
          {"limits",
           {{"frame_bytes", limits.frame_bytes},
            {"link_frame_bytes", link_frame_bytes(limits)},
            {"depth", limits.depth},
            {"batch_size", limits.batch_size},
            {"in_flight", limits.in_flight_per_connection},
            {"method_name_bytes", limits.method_name_bytes}}}};
}

bool router::is_other_life(std::string_view incarnation) const noexcept {
  return !incarnation.empty() && incarnation != shared_.counters.incarnation;
}

void router::refuse_twin(link_entry& entry, const answer_target& target) {
  home().metrics().add(metric::node_conflicts);
  const auto address = format_address(entry.address);
  if (const auto left_out = malformed_lines_.take(home().now())) {
    shared_.log->warn(
        "the node at {} has the id '{}' of this one, which listens on {}: give one of them another --id "
        "({} such lines left out)",
        address, options().id, format_host_port(options().listen), *left_out);
  }
  auto error = make_mesh_error(
      error_code::unavailable,
      fmt::format("another node has the id '{}': give one of them another --id", options().id), executed::no,
      options().id);
  error.data = json{{"executed", "no"}, {"node", options().id}, {"conflict", true}}.dump();
  answer_error(target, error);
}

bool router::on_mesh(link_entry& entry, std::string_view name, const proto::envelope& message,
                     const answer_target& target) {
  const auto answer_ok = [&] {
    render(target, [&](std::string& out) { proto::append_result(out, target.raw_id, ok); });
  };
  if (is_link(entry) && name == "mesh.routes") {
    on_mesh_routes(entry, message, target);
  } else if (is_link(entry) && name == "mesh.resync") {
    caf::anon_send(*environment_.registry, node_resync{{home().index(), entry.key()}});
    answer_ok();
  } else if (name == "mesh.drain") {
    // A service that is about to go: nothing new is sent to it, what is under way finishes.
    entry.serves = false;
    register_service(entry, target, {entry.name, entry.instance, {}}, std::string(ok));
  } else {
    return false;
  }
  return true;
}

void router::on_mesh_routes(link_entry& entry, const proto::envelope& message, const answer_target& target) {
  const auto params = parse_value(message.params);
  auto read = params ? read_routes(*params, options().limits) : std::unexpected(params.error().message);
  if (!read) {
    complain(entry, "mesh.routes", read.error());
    return answer_error(target, make_error(error_code::invalid_params, read.error()));
  }
  if (read->refused > 0) {
    complain(
        entry, "mesh.routes",
        fmt::format("{} of its entries are left out, the first because {}", read->refused, read->complaint));
  }
  caf::anon_send(*environment_.registry, node_routes{{home().index(), entry.key()}, std::move(*read)});
  render(target, [&](std::string& out) { proto::append_result(out, target.raw_id, ok); });
}

void router::tell_registry_gone(const link_entry& entry) {
  const link_address link{home().index(), entry.key()};
  if (entry.serves) caf::anon_send(*environment_.registry, service_changed{link, {}, 0});
  if (is_link(entry)) caf::anon_send(*environment_.registry, node_link_changed{link, {}, false, {}, {}, 0});
}

void router::register_service(link_entry& entry, const answer_target& target, service_declaration declaration,
                              std::string result) {
  std::uint64_t ticket = 0;
  if (target.wanted) {
    ticket = next_ticket_++;
    registrations_.emplace(ticket, pending_registration{entry.key(), std::string(target.raw_id), target.group,
                                                        target.part, std::move(result)});
    entry.registering = true;
  }
  caf::anon_send(*environment_.registry,
                 service_changed{{home().index(), entry.key()}, std::move(declaration), ticket});
}

void router::on_registered(const registered_message& message) {
  const auto found = registrations_.find(message.ticket);
  if (found == registrations_.end()) return;
  const auto pending = std::move(found->second);
  registrations_.erase(found);
  auto* entry = find(pending.from);
  if (entry == nullptr) return;
  entry->registering = std::ranges::any_of(
      registrations_, [&](const auto& other) { return other.second.from == pending.from; });
  // The answer first: whatever the table has brought since waits behind it.
  auto later = std::exchange(output(*entry).bulk, {});
  const answer_target target{pending.from, pending.raw_id, pending.group, pending.part, true};
  if (message.refusal.empty()) {
    render(target, [&](std::string& out) { proto::append_result(out, pending.raw_id, pending.result); });
  } else {
    entry->serves = false;
    answer_error(
        target, make_mesh_error(error_code::resource_exhausted, message.refusal, executed::no, options().id));
  }
  output(*entry).bulk += later;
  finish_if_done(*entry);
}

void router::drop_registrations(connection_key key) {
  std::erase_if(registrations_, [&](const auto& pending) {
    if (pending.second.from != key) return false;
    if (pending.second.group != nullptr) drop_part(*pending.second.group);
    return true;
  });
}

}  // namespace weft
