#include "actors/router/outgoing.hpp"

#include <algorithm>
#include <variant>

#include <fmt/format.h>

namespace weft {
namespace {

// Every attempt gets an id of its own in this one's place.
constexpr std::string_view placeholder_id = "0";

std::string notification_of(std::string_view method, std::string_view raw_params,
                            const weft::handler_context& ctx) {
  std::string text;
  proto::append_request(text, {}, method, raw_params,
                        {-1, ctx.raw_traceparent(), ctx.raw_tracestate(), ctx.raw_route_key()});
  return text;
}

}  // namespace

call_key outgoing::start(const remote::address& to, std::string_view method, std::string_view raw_params,
                         const weft::handler_context& ctx, coro::clock::time_point deadline,
                         outbound_slot& slot, stream_end* reader, const stream_options& wanted) {
  const auto refuse = [&](rpc_error error) {
    slot.set(std::unexpected(std::move(error)));
    return call_key{};
  };
  const peer_route* peer = nullptr;
  const auto* named = std::get_if<remote::peer_name>(&to);
  if (named != nullptr) {
    const auto found = site_.routes->peers.find(named->name);
    if (found == site_.routes->peers.end()) return refuse(unknown_peer(named->name));
    peer = &found->second;
    if (!peer->up)
      return refuse(site_.unavailable(fmt::format("peer '{}' is not connected", named->name), executed::no));
  }
  if (calls_.is_full()) {
    site_.metrics().add(metric::limit_calls);
    return refuse(site_.exhausted("too many calls are under way (limits.calls_per_reactor)", executed::no));
  }
  call& c = calls_.open(slot, deadline);
  const auto started = c.key;
  if (named != nullptr) c.coroutine.peer = named->name;
  const auto left = c.has_deadline()
                        ? std::max<std::int64_t>(
                              std::chrono::ceil<std::chrono::milliseconds>(deadline - site_.now()).count(), 1)
                        : -1;
  const auto traceparent = records_.begin_outgoing(c, method, ctx);
  c.asked.spans = proto::append_request(c.asked.text, placeholder_id, method, raw_params,
                                        {left, traceparent, ctx.raw_tracestate(), ctx.raw_route_key()});
  c.asked.route_key = ctx.raw_route_key();
  if (reader != nullptr) {
    streams_.open(c, *reader, wanted.window, wanted.raw_after, std::holds_alternative<remote::anyone>(to));
    streams_.grants().restart(c);
  }
  if (std::holds_alternative<remote::anyone>(to)) {
    start_mesh_call(c, method, raw_params, ctx);
  } else {
    // A method's name may come from a caller: only names that are registered here become labels.
    if (peer != nullptr)
      c.told.stats = &records_.stats_of(*peer, handlers_.find(method) != nullptr ? method : "_OTHER");
    const auto* key = std::get_if<connection_key>(&to);
    upstream_.send_direct(c, key != nullptr ? connection_address{site_.index(), *key} : peer->link);
  }
  site_.flush_outside_turn();
  return started;
}

void outgoing::start_mesh_call(call& c, std::string_view method, std::string_view raw_params,
                               const weft::handler_context& ctx) {
  if (const auto* local = handlers_.find(method)) return handlers_.invoke(*local, c, raw_params, ctx);
  if (site_.environment.has_uplink) return start_uplink_call(c);
  const auto* serving = site_.routes->find(method);
  c.told.stats = &records_.stats().client("mesh", 0, serving == nullptr ? "_OTHER" : serving->pattern);
  c.asked.method = method;
  if (serving != nullptr && serving->streams) {
    if (!c.stream) {
      streams_.open(c, {}, serving->resumable);
      streams_.grants().restart(c);
    } else {
      c.stream->elsewhere.allowed = serving->resumable;
    }
  }
  upstream_.begin(c);
}

call_key outgoing::start_stream(const remote::address& to, std::string_view method,
                                std::string_view raw_params, const weft::handler_context& ctx,
                                const stream_options& wanted, stream_end& reader, outbound_slot& slot) {
  const auto deadline = std::min(ctx.deadline(), site_.now() + stream_without_deadline);
  return start(to, method, raw_params, ctx, deadline, slot, &reader, wanted);
}

call* outgoing::stream_of(call_key key) const {
  auto* c = calls_.find(key);
  return c != nullptr && c->from == call::origin::coroutine && c->stream ? c : nullptr;
}

void outgoing::take_items(call_key key, std::int64_t items) {
  if (auto* c = stream_of(key)) streams_.grants().taken(*c, items);
  site_.flush_outside_turn();
}

void outgoing::tell_callee(call_key key, proto::stream_message what, const proto::stream_members& members) {
  if (auto* c = stream_of(key)) streams_.from_caller(*c, what, members);
  site_.flush_outside_turn();
}

void outgoing::start_uplink_call(call& c) {
  c.told.stats = &records_.stats().client("uplink", 0, "_OTHER");
  if (!site_.uplink) {
    auto refusal = site_.unavailable("there is no connection to a node now", executed::no);
    return calls_.settle_failed(c, std::move(refusal));
  }
  upstream_.send_direct(c, {site_.index(), *site_.uplink});
}

void outgoing::abandon(call_key key) {
  auto* c = calls_.find(key);
  if (c == nullptr || c->from != call::origin::coroutine) return;
  site_.metrics().add(metric::cancelled);
  const bool late = coro::clock::now() >= c->asked.deadline;
  calls_.cancel(*c, coro::cancel_reason::cancelled_by_caller);
  calls_.settle(*c, outcome::unawaited(late ? error_code::deadline_exceeded : error_code::request_cancelled));
  site_.flush_outside_turn();
}

rpc_error outgoing::unknown_peer(std::string_view name) const {
  std::string known;
  for (const auto& [peer, route] : site_.routes->peers) {
    if (!route.by_id) known += (known.empty() ? "" : ", ") + peer;
  }
  return site_.unavailable(
      fmt::format("no peer is called '{}'; the peers are: {}", name, known.empty() ? "none" : known),
      executed::no);
}

void outgoing::notify(connection_key to, std::string_view method, std::string_view raw_params) {
  std::string text;
  proto::append_request(text, {}, method, raw_params);
  attempts_.notify({site_.index(), to}, text);
  site_.flush_outside_turn();
}

void outgoing::notify_anyone(std::string_view method, std::string_view raw_params,
                             const weft::handler_context& ctx) {
  const auto text = notification_of(method, raw_params, ctx);
  if (site_.environment.has_uplink) {
    if (site_.uplink) attempts_.notify({site_.index(), *site_.uplink}, text);
  } else if (const auto* serving = site_.routes->find(method)) {
    upstream_.notify_instance(text, *serving, ctx.raw_route_key());
  }
  site_.flush_outside_turn();
}

void outgoing::notify_peer(const std::string& name, std::string_view method, std::string_view raw_params,
                           const weft::handler_context& ctx) {
  const auto found = site_.routes->peers.find(name);
  if (found == site_.routes->peers.end() || !found->second.up) return;
  attempts_.notify(found->second.link, notification_of(method, raw_params, ctx));
  site_.flush_outside_turn();
}

}  // namespace weft
